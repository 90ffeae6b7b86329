import { type Denial, deny } from '../denial.ts';
import { type BodyDecoder, bodyDecoder } from './body-decoder.ts';
import { LineSearch } from './head-lines.ts';
import { nothing } from './message-bytes.ts';
import { type FinalHead, malformedResponse, noStatusLine, readResponseHead } from './response-head.ts';

/** What came of some bytes. */
export type Arrived = {
  /** Once, with the bytes that complete it. */
  readonly head: FinalHead | undefined;
  /** Body bytes in order: views of the bytes that were read. */
  readonly data: readonly Buffer[];
  /** How many of the bytes belonged to this response. Behind its end there must be none. */
  readonly consumed: number;
  readonly done: boolean;
};

const limits = { maxHeadBytes: 16 * 1024, maxHeaders: 256 };
/** More interim responses than this are an attempt to keep us busy. */
const maxInterim = 8;
const protocol = Buffer.from('HTTP/1.');
const noData: readonly Buffer[] = [];

/**
 * One response, read from bytes in any split. It copies what it keeps, so the bytes are the caller's again afterwards.
 * Returns a Denial once and is then dead.
 */
export class ResponseReader {
  readonly #method: string;
  #pending: Buffer = nothing;
  #search = new LineSearch(limits);
  #interim = 0;
  #head: FinalHead | undefined;
  #decode: BodyDecoder | undefined;

  /** @param method of the request: what HEAD asked for comes without its body */
  constructor(method: string) {
    this.#method = method;
  }

  /** True when the connection may serve another request behind this response. */
  get keepsConnection(): boolean {
    return this.#head?.closes === false;
  }

  read(bytes: Buffer): Arrived | Denial {
    return this.#decode === undefined ? this.#readHead(bytes) : this.#readBody(bytes, 0, undefined);
  }

  /** The connection ended. @returns undefined where that is how the body ends */
  endOfInput(): Denial | undefined {
    if (this.#head?.framing.kind === 'close') return undefined;
    return deny('upstream-reset', { detail: 'the workload ended the connection before its answer was complete' });
  }

  #readHead(bytes: Buffer): Arrived | Denial {
    const kept = this.#pending.length;
    let rest = kept === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const all = rest.length;
    for (;;) {
      // What cannot become HTTP is not waited for, and is called so whatever of it has come.
      if (!beginsAsHttp(rest)) return noStatusLine();
      const end = this.#search.find(rest);
      if (end === 'more') {
        this.#pending = Buffer.from(rest);
        return { head: undefined, data: noData, consumed: bytes.length, done: false };
      }
      const head = typeof end === 'number' ? readResponseHead(rest, end, this.#method) : malformedResponse(end.fault);
      if (typeof head === 'object' && 'code' in head) return head;
      rest = rest.subarray(Number(end));
      if (head !== 'interim') return this.#begin(head, rest, all - rest.length - kept);
      this.#interim += 1;
      if (this.#interim > maxInterim) return malformedResponse('too many interim responses');
      this.#search = new LineSearch(limits);
    }
  }

  /** @param before how many of the new bytes belonged to heads */
  #begin(head: FinalHead, rest: Buffer, before: number): Arrived | Denial {
    this.#head = head;
    this.#pending = nothing;
    const { framing } = head;
    if (framing.kind === 'bodiless' || (framing.kind === 'length' && framing.bytes === 0)) {
      return { head, data: noData, consumed: before, done: true };
    }
    this.#decode = framing.kind === 'close' ? untilClose : bodyDecoder(framing, 'any');
    return this.#readBody(rest, before, head);
  }

  #readBody(bytes: Buffer, before: number, head: FinalHead | undefined): Arrived | Denial {
    const decoded = this.#decode?.(bytes);
    if (decoded === undefined) return { head, data: noData, consumed: before, done: false };
    if ('code' in decoded) return malformedResponse(decoded.detail ?? decoded.code);
    return { head, data: decoded.data, consumed: before + decoded.consumed, done: decoded.done };
  }
}

function beginsAsHttp(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, protocol.length);
  for (let at = 0; at < length; at += 1) if (bytes[at] !== protocol[at]) return false;
  return true;
}

const untilClose: BodyDecoder = (bytes) => ({
  data: bytes.length === 0 ? noData : [bytes],
  consumed: bytes.length,
  done: false,
});
