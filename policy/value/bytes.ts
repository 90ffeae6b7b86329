import { isUtf8 } from 'node:buffer';

/*
 * A string of Go is any bytes, one of JavaScript is not. A byte that is no part of UTF-8 is kept as a lone surrogate,
 * U+DC00 plus the byte (as Python's PEP 383 does): replaced by U+FFFD, all random keys and tokens would be equal that
 * differ in such bytes only.
 */

const escapedByte = 0xdc00;

/** The bytes of a string in Go. */
export function bytesOf(text: string): Buffer {
  if (text.isWellFormed()) return Buffer.from(text);
  const bytes = Buffer.allocUnsafe(text.length * 3);
  let length = 0;
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (code >= escapedByte + 0x80 && code <= escapedByte + 0xff) bytes[length++] = code - escapedByte;
    else length += bytes.write(char, length);
  }
  return bytes.subarray(0, length);
}

/** The string of these bytes in Go. */
export function textOf(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  const units = Buffer.allocUnsafe(bytes.length * 2);
  let length = 0;
  let valid = 0;
  for (let i = 0; i < bytes.length; ) {
    const size = sequenceLength(bytes, i);
    if (size === 0) {
      if (valid < i) length += units.write(bytes.toString('utf8', valid, i), length, 'utf16le');
      length = units.writeUInt16LE(escapedByte + (bytes[i] as number), length);
      valid = i + 1;
    }
    i += size || 1;
  }
  length += units.write(bytes.toString('utf8', valid), length, 'utf16le');
  return units.toString('utf16le', 0, length);
}

/** How many bytes the character at `at` has; 0 when there is none. */
function sequenceLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}
