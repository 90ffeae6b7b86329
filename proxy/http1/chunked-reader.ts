import { type Denial, deny } from '../denial.ts';
import { isFieldValue, isToken } from '../message-grammar.ts';
import { areTooTiny } from '../tiny-pieces.ts';
import { mayBeInTrailer } from '../trailer-fields.ts';

/** What came of some bytes: body bytes in order, how many input bytes belonged to the body, and whether it ended. */
export type Decoded = { readonly data: readonly Buffer[]; readonly consumed: number; readonly done: boolean };

const maxSizeLineBytes = 16;
const maxTrailerBytes = 4096;

/** A client gets few tiny chunks; a workload may answer with a stream of events that are as short as it likes. */
export type TinyChunks = 'few' | 'any';

const malformed = (detail: string): Denial => deny('malformed-chunk', { detail });

/**
 * RFC 9112 section 7.1, without what nobody needs and smugglers like: chunk extensions are refused (CVE-2024-22019,
 * quoted-string variants), sizes are plain lower or upper hex without sign or leading space, trailers are checked for
 * syntax and dropped (an `x-spiffe-id` trailer must not become a header).
 */
export class ChunkedReader {
  #state: 'size' | 'data' | 'data-end' | 'trailer' | 'done' = 'size';
  /** The line that has not ended yet. */
  #line = '';
  /** Bytes left of the chunk. */
  #left = 0;
  #chunks = 0;
  #total = 0;
  #trailerBytes = 0;
  readonly #tiny: TinyChunks;

  constructor(tiny: TinyChunks) {
    this.#tiny = tiny;
  }

  read(bytes: Buffer): Decoded | Denial {
    const data: Buffer[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const piece = this.#takeData(bytes, at);
        data.push(piece);
        at += piece.length;
        continue;
      }
      const taken = this.#takeLine(bytes, at);
      if (typeof taken === 'object') return taken;
      at = taken;
    }
    return { data, consumed: at, done: this.#state === 'done' };
  }

  #takeData(bytes: Buffer, at: number): Buffer {
    const piece = bytes.subarray(at, at + Math.min(this.#left, bytes.length - at));
    this.#left -= piece.length;
    if (this.#left === 0) this.#state = 'data-end';
    return piece;
  }

  /** Takes what there is of a line. @returns where the next one begins */
  #takeLine(bytes: Buffer, at: number): number | Denial {
    const lf = bytes.indexOf(0x0a, at);
    const end = lf === -1 ? bytes.length : lf + 1;
    const limit = this.#state === 'trailer' ? maxTrailerBytes : maxSizeLineBytes;
    if (this.#line.length + end - at > limit + 2) return malformed('line too long');
    this.#line += bytes.toString('latin1', at, end);
    if (lf === -1) return end;
    if (!this.#line.endsWith('\r\n')) return malformed('a line ends in LF without CR');
    const text = this.#line.slice(0, -2);
    this.#line = '';
    return this.#endLine(text) ?? end;
  }

  #endLine(text: string): Denial | undefined {
    if (this.#state === 'size') return this.#startChunk(text);
    if (this.#state === 'trailer') return this.#endTrailer(text);
    if (text !== '') return malformed('data longer than its chunk size');
    this.#state = 'size';
    return undefined;
  }

  #startChunk(text: string): Denial | undefined {
    // Thirteen hex digits stay below 2^53.
    if (!/^[0-9a-fA-F]{1,13}$/.test(text)) return malformed('chunk size');
    this.#left = Number.parseInt(text, 16);
    this.#total += this.#left;
    this.#chunks += 1;
    if (this.#tiny === 'few' && areTooTiny(this.#chunks, this.#total)) return malformed('too many tiny chunks');
    this.#state = this.#left === 0 ? 'trailer' : 'data';
    return undefined;
  }

  #endTrailer(text: string): Denial | undefined {
    if (text === '') {
      this.#state = 'done';
      return undefined;
    }
    this.#trailerBytes += text.length;
    return this.#trailerBytes > maxTrailerBytes || !isTrailer(text) ? malformed('trailer') : undefined;
  }
}

function isTrailer(line: string): boolean {
  const colon = line.indexOf(':');
  if (colon === -1 || !isToken(line, 0, colon) || !isFieldValue(line, colon + 1)) return false;
  return mayBeInTrailer(line.slice(0, colon).toLowerCase());
}
