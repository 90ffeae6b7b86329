import type { Fault } from './fault.ts';

/** A place in a header block. Whoever reads moves it on. */
export type Cursor = { readonly block: Buffer; at: number };

const largest = 2 ** 31 - 1;
const mostContinuations = 5;

/**
 * An integer that begins in the lowest bits of the octet at the cursor (RFC 7541 section 5.1). The section leaves the limits to us
 * and asks for some: without one on the octets, a number of any length could be zero.
 * @param prefixBits from 4 to 7
 */
export function readInteger(cursor: Cursor, prefixBits: number): number | Fault {
  const { block } = cursor;
  const mask = (1 << prefixBits) - 1;
  const first = block[cursor.at];
  if (first === undefined) return 'a header block that ends within a field';
  cursor.at += 1;
  const prefix = first & mask;
  return prefix < mask ? prefix : readContinuations(cursor, prefix);
}

function readContinuations(cursor: Cursor, prefix: number): number | Fault {
  let value = prefix;
  let weight = 1;
  for (let count = 0; count < mostContinuations; count += 1, weight *= 128) {
    const octet = cursor.block[cursor.at];
    if (octet === undefined) return 'a header block that ends within a field';
    cursor.at += 1;
    value += (octet & 0x7f) * weight;
    if (value > largest) return 'an integer that is too large';
    if (octet < 0x80) return value;
  }
  return 'an integer that is too large';
}

/** As many octets as `writeInteger` writes at most. */
export const longestInteger = 1 + mostContinuations;

/**
 * @param pattern the bits in front of the prefix
 * @returns the place behind it
 */
export function writeInteger(
  target: Buffer,
  start: number,
  prefixBits: number,
  pattern: number,
  value: number,
): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    target[start] = pattern | value;
    return start + 1;
  }
  target[start] = pattern | mask;
  let at = start + 1;
  let rest = value - mask;
  for (; rest >= 128; rest >>>= 7, at += 1) target[at] = 0x80 | (rest & 0x7f);
  target[at] = rest;
  return at + 1;
}
