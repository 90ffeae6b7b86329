import type { HeaderList } from '../../header-list.ts';
import { longestInteger, writeInteger } from './integer.ts';
import { staticIndices } from './static-table.ts';

/**
 * A dynamic table size update to 0 (RFC 7541 section 6.3), to be put in front of the first block of a connection. A client that has
 * announced a smaller table than the 4,096 it began with waits for one (section 4.2); and whatever it announces later, 0 is within it.
 */
export const noDynamicTable: Buffer = Buffer.of(0x20);

/** Literals that nobody behind us may put into a table either, from which they could be guessed (RFC 7541 section 7.1.3). */
const neverIndexed: ReadonlySet<string> = new Set(['authorization', 'cookie', 'set-cookie']);

const indexedField = 0x80;
const literalNeverIndexed = 0x10;
const literalWithoutIndexing = 0x00;

/**
 * No dynamic table and no Huffman code: no state, and nothing to learn from lengths (CRIME).
 * @param fields names in lower case; one octet for each character
 */
export function encodeFields(fields: HeaderList): Buffer {
  const block = Buffer.allocUnsafe(longestBlock(fields));
  let at = 0;
  for (let index = 0; index < fields.length; index += 2) {
    at = writeField(block, at, fields[index] as string, fields[index + 1] as string);
  }
  return block.subarray(0, at);
}

/** For each field an index and the lengths of name and value at most. */
function longestBlock(fields: HeaderList): number {
  let length = 0;
  for (const text of fields) length += text.length + 2 * longestInteger;
  return length;
}

function writeField(block: Buffer, at: number, name: string, value: string): number {
  const known = staticIndices.get(name);
  const isNeverIndexed = neverIndexed.has(name);
  const index = isNeverIndexed ? undefined : known?.values.get(value);
  if (index !== undefined) return writeInteger(block, at, 7, indexedField, index);
  const pattern = isNeverIndexed ? literalNeverIndexed : literalWithoutIndexing;
  const behind = writeInteger(block, at, 4, pattern, known?.index ?? 0);
  return writeText(block, known === undefined ? writeText(block, behind, name) : behind, value);
}

function writeText(block: Buffer, start: number, text: string): number {
  const at = writeInteger(block, start, 7, 0, text.length);
  return at + block.write(text, at, 'latin1');
}
