import { type Denial, deny } from '../denial.ts';
import { isFieldValue, isToken } from './grammar.ts';
import type { RequestFraming } from './request-head.ts';

/** What came of some bytes: body bytes in order, how many input bytes belonged to the body, and whether it ended. */
export type Decoded = { readonly data: readonly Buffer[]; readonly consumed: number; readonly done: boolean };

/** Takes bytes as they arrive, in any split, and takes the framing off. Returns a Denial once and is then dead. */
export type BodyDecoder = (bytes: Buffer) => Decoded | Denial;

const maxSizeLineBytes = 16;
const maxTrailerBytes = 4096;
/** Beyond this many chunks the average must reach `minAverageBytes`: 1-byte chunks cost more than they carry. */
const freeChunks = 1024;
const minAverageBytes = 16;

export function bodyDecoder(framing: Exclude<RequestFraming, { kind: 'none' }>): BodyDecoder {
  return framing.kind === 'length' ? lengthDecoder(framing.bytes) : chunkedDecoder();
}

function lengthDecoder(length: number): BodyDecoder {
  let left = length;
  return (bytes) => {
    const taken = Math.min(left, bytes.length);
    left -= taken;
    return { data: taken === 0 ? [] : [bytes.subarray(0, taken)], consumed: taken, done: left === 0 };
  };
}

/**
 * RFC 9112 section 7.1, without what nobody needs and smugglers like: chunk extensions are refused (CVE-2024-22019,
 * quoted-string variants), sizes are plain lower or upper hex without sign or leading space, trailers are checked for
 * syntax and dropped (an `x-spiffe-id` trailer must not become a header).
 */
function chunkedDecoder(): BodyDecoder {
  let state: 'size' | 'data' | 'data-end' | 'trailer' = 'size';
  let line = '';
  let left = 0;
  let chunks = 0;
  let total = 0;
  let trailerBytes = 0;

  /** Takes one line up to CR LF; undefined when it is not complete. */
  function takeLine(bytes: Buffer, at: number, limit: number): { text: string; next: number } | undefined | Denial {
    const lf = bytes.indexOf(0x0a, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    if (line.length + end - at > limit + 2) return deny('malformed-chunk', { detail: 'line too long' });
    line += bytes.toString('latin1', at, end);
    if (lf === -1) return undefined;
    if (!line.endsWith('\r\n')) return deny('malformed-chunk', { detail: 'a line ends in LF without CR' });
    const text = line.slice(0, -2);
    line = '';
    return { text, next: end };
  }

  function startChunk(text: string): Denial | undefined {
    // Thirteen hex digits stay below 2^53.
    if (!/^[0-9a-fA-F]{1,13}$/.test(text)) return deny('malformed-chunk', { detail: 'chunk size' });
    left = Number.parseInt(text, 16);
    total += left;
    chunks += 1;
    if (chunks > freeChunks && total / chunks < minAverageBytes) {
      return deny('malformed-chunk', { detail: 'too many tiny chunks' });
    }
    state = left === 0 ? 'trailer' : 'data';
    return undefined;
  }

  return (bytes) => {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (state === 'data') {
        const taken = Math.min(left, bytes.length - at);
        data.push(bytes.subarray(at, at + taken));
        at += taken;
        left -= taken;
        if (left === 0) state = 'data-end';
        continue;
      }
      const taken = takeLine(bytes, at, state === 'trailer' ? maxTrailerBytes : maxSizeLineBytes);
      if (taken === undefined) return { data, consumed: bytes.length, done: false };
      if ('code' in taken) return taken;
      at = taken.next;
      if (state === 'data-end') {
        if (taken.text !== '') return deny('malformed-chunk', { detail: 'data longer than its chunk size' });
        state = 'size';
      } else if (state === 'size') {
        const refused = startChunk(taken.text);
        if (refused !== undefined) return refused;
      } else {
        if (taken.text === '') return { data, consumed: at, done: true };
        trailerBytes += taken.text.length;
        if (trailerBytes > maxTrailerBytes || !isTrailer(taken.text))
          return deny('malformed-chunk', { detail: 'trailer' });
      }
    }
    return { data, consumed: at, done: false };
  };
}

/** RFC 9110 section 6.5.1: never in a trailer. llhttp, for one, lets `Connection: close` in a trailer end the connection. */
const connectionFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

function isTrailer(line: string): boolean {
  const colon = line.indexOf(':');
  if (colon === -1 || !isToken(line, 0, colon) || !isFieldValue(line, colon + 1)) return false;
  return !connectionFields.has(line.slice(0, colon).toLowerCase());
}
