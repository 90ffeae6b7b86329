import { hash } from 'node:crypto';

/**
 * For text of one byte per character that is written again and again. V8 keeps a text that was added up as the tree of
 * its parts, and whoever copies it pays about 80 ns for each of them.
 */
export function inOnePiece(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const ASCII = /^[\x20-\x7e]*$/;
const NOT_ASCII = /[^\x20-\x7e]/g;

/** A JSON string of at most `maxBytes` between its quotes; what does not fit is noted in `cut` with its digest, never dropped. */
export function encodeText(path: string, value: string, maxBytes: number, cut: string[]): string {
  if (value.length <= maxBytes && PLAIN.test(value)) return `"${value}"`;
  if (value.length * 6 > maxBytes) {
    const kept = fittingLength(value, maxBytes);
    if (kept < value.length) {
      cut.push(`{"field":"${path}","bytes":${bytesOf(value).length},"sha256":"${hash('sha256', bytesOf(value))}"}`);
      return quoted(value.slice(0, kept));
    }
  }
  return quoted(value);
}

/** The string as JSON in ASCII. Lone surrogates come out as escapes too, so that they can be read back. */
export function quoted(value: string): string {
  const json = JSON.stringify(value);
  // To look first takes half the time of replacing nothing.
  if (ASCII.test(json)) return json;
  return json.replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function fittingLength(value: string, maxBytes: number): number {
  let room = maxBytes;
  for (let index = 0; index < value.length; index++) {
    room -= encodedLength(value.charCodeAt(index));
    if (room < 0) return index;
  }
  return value.length;
}

function encodedLength(unit: number): number {
  if (unit === 0x22 || unit === 0x5c || (unit >= 0x08 && unit <= 0x0d && unit !== 0x0b)) return 2;
  return unit >= 0x20 && unit <= 0x7e ? 1 : 6;
}

/** The bytes a string stands for: what came off the wire holds one byte per character. */
function bytesOf(value: string): Buffer {
  return Buffer.from(value, /^[\x00-\xff]*$/.test(value) ? 'latin1' : 'utf8');
}
