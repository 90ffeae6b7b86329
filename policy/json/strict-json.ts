import { isUtf8 } from 'node:buffer';
import type { JsonProblem, JsonProblemCode } from './problem.ts';
import { JsonScanner } from './scanner.ts';
import { parseUndisputed } from './undisputed.ts';

export type JsonLimits = {
  /** How many arrays and objects may stand inside one another; a lone scalar has depth 0. */
  readonly maxDepth: number;
};

export type JsonReading =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: JsonProblem };

/**
 * Reads JSON whose meaning no other reader can dispute, or says where it is ambiguous. Linear in the bytes, and never
 * throws for any. Nearly every document is found undisputed at the first look, which counts what `JSON.parse` has made of it;
 * only another is scanned for its problem.
 */
export function readStrictJson(bytes: Uint8Array, limits: JsonLimits): JsonReading {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    return refused('byte-order-mark', 0, '', 'the text begins with a byte order mark');
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  if (!isUtf8(bytes))
    return refused('invalid-utf8', firstInvalidByte(bytes, text), '', 'the bytes are not valid UTF-8');
  const undisputed = parseUndisputed(text, limits.maxDepth);
  if (undisputed !== undefined) return { ok: true, value: undisputed.value };
  const found = new JsonScanner(text, limits.maxDepth).scan();
  if (found !== undefined) {
    const { code, index, pointer, detail } = found;
    return refused(code, Buffer.byteLength(text.slice(0, index)), pointer, detail);
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return refused('syntax', 0, '', 'the text is not JSON');
  }
}

function refused(code: JsonProblemCode, offset: number, pointer: string, detail: string): JsonReading {
  return { ok: false, problem: { code, offset, pointer, detail } };
}

/** Where decoding put the first U+FFFD that is not written out in the bytes. */
function firstInvalidByte(bytes: Uint8Array, decoded: string): number {
  let offset = 0;
  let from = 0;
  for (;;) {
    const index = decoded.indexOf('\ufffd', from);
    offset += Buffer.byteLength(decoded.slice(from, index));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = index + 1;
  }
}
