import { type Fault, isFault } from './fault.ts';
import { decodeHuffman, longestDecoded } from './huffman.ts';
import { type Cursor, readInteger } from './integer.ts';

/** A string literal (RFC 7541 section 5.2) that has been checked, and of which no string was made yet: it may not be wanted. */
export type Text = {
  readonly source: Buffer;
  readonly start: number;
  readonly length: number;
  /** Where there is one already: that of a table. */
  readonly known: string | undefined;
};

/** Holds the decoded name and value of one field at a time. What does not fit, which is rare, gets memory of its own. */
const scratch = Buffer.allocUnsafeSlow(16_384);

/** @param scratchStart what is before it is still needed */
export function readText(cursor: Cursor, scratchStart: number): Text | Fault {
  const { block } = cursor;
  const isHuffman = (block[cursor.at] ?? 0) >= 0x80;
  const length = readInteger(cursor, 7);
  if (isFault(length)) return length;
  const start = cursor.at;
  if (length > block.length - start) return 'a header block that ends within a field';
  cursor.at = start + length;
  return isHuffman
    ? decoded(block, start, cursor.at, scratchStart)
    : { source: block, start, length, known: undefined };
}

function decoded(block: Buffer, from: number, to: number, scratchStart: number): Text | Fault {
  const room = longestDecoded(to - from);
  const isOwn = room > scratch.length - scratchStart;
  const source = isOwn ? Buffer.allocUnsafe(room) : scratch;
  const start = isOwn ? 0 : scratchStart;
  const end = decodeHuffman(block, from, to, source, start);
  return isFault(end) ? end : { source, start, length: end - start, known: undefined };
}

/** How much of the scratch memory is in use up to the end of a text. */
export function scratchUsed(text: Text): number {
  return text.source === scratch ? text.start + text.length : 0;
}

export function knownText(known: string): Text {
  return { source: nothing, start: 0, length: known.length, known };
}

const nothing = Buffer.alloc(0);

/** Otherwise a copy, one character for each octet: nothing of the network's memory is held by it. */
export function stringOf({ source, start, length, known }: Text): string {
  return known ?? source.toString('latin1', start, start + length);
}
