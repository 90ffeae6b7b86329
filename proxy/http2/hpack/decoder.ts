import { DynamicTable, sizeOf } from './dynamic-table.ts';
import { type Fault, isFault } from './fault.ts';
import { type Cursor, readInteger } from './integer.ts';
import { type BlockLimits, type FieldBlock, KeptFields } from './kept-fields.ts';
import { lastStaticIndex, staticNames, staticValues } from './static-table.ts';
import { knownText, readText, scratchUsed, stringOf, type Text } from './text.ts';

/** `broken`: COMPRESSION_ERROR (RFC 9113 section 4.3), the connection cannot go on. Of all others the table is in step, beyond the limits too. */
export type DecodedBlock = FieldBlock | { readonly kind: 'broken'; readonly detail: string };

/** What the other side starts with, whatever we announce (RFC 9113 section 6.5.2). */
const initialTableBytes = 4096;
/** The smallest size in between and the one that holds (RFC 7541 section 4.2). */
const mostSizeUpdates = 2;

/** Reads the header blocks of one connection, all of them and in order: each may change what the next one means (RFC 7541 section 2.2). */
export class BlockDecoder {
  readonly #table: DynamicTable;
  readonly #maxTableBytes: number;
  #fault: Fault | undefined;

  /** @param maxTableBytes the SETTINGS_HEADER_TABLE_SIZE that we announce; below 4,096 a client would first have to know of it */
  constructor(maxTableBytes: number) {
    this.#maxTableBytes = maxTableBytes;
    this.#table = new DynamicTable(Math.min(maxTableBytes, initialTableBytes));
  }

  /** @param block whole: what HEADERS and its CONTINUATION frames carry */
  decode(block: Buffer, limits: BlockLimits): DecodedBlock {
    const cursor: Cursor = { block, at: 0 };
    const kept = new KeptFields(limits);
    this.#fault ??= this.#readSizeUpdates(cursor) ?? this.#readFields(cursor, kept);
    return this.#fault === undefined ? kept.outcome() : { kind: 'broken', detail: this.#fault };
  }

  /** Section 6.3: at the beginning of a block, and nowhere else (section 4.2). */
  #readSizeUpdates(cursor: Cursor): Fault | undefined {
    for (let count = 0; isSizeUpdate(cursor); count += 1) {
      if (count === mostSizeUpdates) return 'a third table size update in one block';
      const size = readInteger(cursor, 5);
      if (isFault(size)) return size;
      if (size > this.#maxTableBytes) return 'a table size beyond what was announced';
      this.#table.setMaximum(size);
    }
    return undefined;
  }

  #readFields(cursor: Cursor, kept: KeptFields): Fault | undefined {
    const { block } = cursor;
    while (cursor.at < block.length) {
      const fault = this.#readField(cursor, block[cursor.at] as number, kept);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  #readField(cursor: Cursor, first: number, kept: KeptFields): Fault | undefined {
    if (first >= 0x80) return this.#readIndexed(cursor, kept);
    if (first >= 0x40) return this.#readLiteral(cursor, 6, true, kept);
    if (first >= 0x20) return 'a table size update behind a field';
    // Whether it may be indexed by those behind us makes no difference: we pass it on in HTTP/1.1.
    return this.#readLiteral(cursor, 4, false, kept);
  }

  /** Section 6.1. Most fields come so: the strings of the table are given again, nothing is copied. */
  #readIndexed(cursor: Cursor, kept: KeptFields): Fault | undefined {
    const index = readInteger(cursor, 7);
    if (isFault(index)) return index;
    const name = this.#nameAt(index);
    if (name === undefined) return 'an index that is in no table';
    const value = this.#valueAt(index);
    if (kept.takes(sizeOf(name, value))) kept.keep(name, value);
    return undefined;
  }

  /** Section 6.2. Everything is checked; a string is made only of what will be kept or indexed. */
  #readLiteral(cursor: Cursor, prefixBits: number, isIndexing: boolean, kept: KeptFields): Fault | undefined {
    const name = this.#readName(cursor, prefixBits);
    if (isFault(name)) return name;
    const value = readText(cursor, scratchUsed(name));
    if (isFault(value)) return value;
    const size = sizeOf(name, value);
    const isKept = kept.takes(size);
    // An entry that has to go for it may be the one that the name is of (section 4.4): we hold that already.
    const isIndexed = isIndexing && this.#table.makeRoom(size);
    if (!isKept && !isIndexed) return undefined;
    const nameString = stringOf(name);
    const valueString = stringOf(value);
    if (isKept) kept.keep(nameString, valueString);
    if (isIndexed) this.#table.add(nameString, valueString);
    return undefined;
  }

  #readName(cursor: Cursor, prefixBits: number): Text | Fault {
    const index = readInteger(cursor, prefixBits);
    if (isFault(index)) return index;
    if (index === 0) return readText(cursor, 0);
    const known = this.#nameAt(index);
    return known === undefined ? 'an index that is in no table' : knownText(known);
  }

  #nameAt(index: number): string | undefined {
    if (index > lastStaticIndex) return this.#table.nameAt(index - lastStaticIndex - 1);
    return index === 0 ? undefined : staticNames[index];
  }

  /** Of an index that has a name. */
  #valueAt(index: number): string {
    const value = index > lastStaticIndex ? this.#table.valueAt(index - lastStaticIndex - 1) : staticValues[index];
    return value as string;
  }
}

function isSizeUpdate({ block, at }: Cursor): boolean {
  return ((block[at] ?? 0) & 0xe0) === 0x20;
}
