import { type Denial, deny } from '../denial.ts';
import { connectionOptions, fieldValues } from '../header-list.ts';
import { hasTabbedFraming, readFieldLines } from './field-lines.ts';
import { canonicalLength, endOf, fieldValue, token, visibleCharacter } from '../message-grammar.ts';
import { knownText } from './known-text.ts';
import { type HeadFault, type HeadLimits, LineSearch } from './head-lines.ts';

/** How the body ends (RFC 9112 section 6). There is no third way for a request. */
export type RequestFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' };

export type RequestLine = { readonly method: string; readonly target: string };

export type RequestHead = RequestLine & {
  /** Name, value, name, value: in the order and the case in which they came. */
  readonly headers: readonly string[];
  readonly framing: RequestFraming;
  /** The client waits for `100 Continue` before it sends the body. */
  readonly expectsContinue: boolean;
  /** The client said that this request is its last: nothing behind it may be read as another (RFC 9112 section 9.6). */
  readonly closes: boolean;
};

function refusal({ fault, line }: HeadFault): Denial {
  switch (fault) {
    case 'too-large':
      return deny('head-too-large');
    case 'too-many-lines':
      return deny('too-many-headers');
    case 'bare-lf':
      return deny(line === 1 ? 'malformed-request-line' : 'malformed-header', {
        detail: 'a line ends in LF without CR',
      });
    case 'empty-first-line':
      return deny('malformed-request-line', { detail: 'empty line before the request' });
  }
}

/** What stands before the body: `bytes` long; 0 of what is refused, behind which nothing is read. */
export type FoundHead = {
  readonly head: RequestHead | Denial;
  readonly line: RequestLine | undefined;
  readonly bytes: number;
};

/** Reads one head, in any split of its bytes. */
export class HeadReader {
  readonly #limits: HeadLimits;
  readonly #search: LineSearch;

  constructor(limits: HeadLimits) {
    this.#limits = limits;
    this.#search = new LineSearch(limits);
  }

  /** Given everything that came so far: its head, or undefined while that is not complete. */
  read(bytes: Buffer): FoundHead | undefined {
    const end = this.#search.find(bytes);
    if (end === 'more') return undefined;
    const head = typeof end === 'number' ? readRequestHead(bytes, end) : refusal(end);
    return 'code' in head
      ? { head, line: readableLine(bytes, this.#limits), bytes: 0 }
      : { head, line: head, bytes: Number(end) };
  }
}

/** Reads the head in `bytes[0, end)`, where `end` came from a `LineSearch`. */
function readRequestHead(bytes: Buffer, end: number): RequestHead | Denial {
  const text = bytes.toString('latin1', 0, end);
  const lineEnd = text.indexOf('\r\n');
  const line = readRequestLine(bytes, text, lineEnd);
  if ('code' in line) return line;
  const headers = readFieldLines(bytes, text, lineEnd + 2, fieldValue);
  if (typeof headers === 'number') return deny('malformed-header', { detail: `header line ${headers}` });
  const framing = readFraming(headers, text);
  if ('code' in framing) return framing;
  const expectsContinue = readExpectation(headers);
  if (typeof expectsContinue === 'object') return expectsContinue;
  const { method, target } = line;
  return { method, target, headers, framing, expectsContinue, closes: asksToClose(headers) };
}

/** What was asked for, of a head that is refused for something behind its first line: the record is to name it. */
export function readableLine(bytes: Buffer, { maxHeadBytes }: HeadLimits): RequestLine | undefined {
  const end = bytes.indexOf('\r\n');
  // A longer line may be here or still on its way; the record must not depend on that.
  if (end === -1 || end + 1 >= maxHeadBytes) return undefined;
  const line = readRequestLine(bytes, bytes.toString('latin1', 0, end), end);
  return 'code' in line ? undefined : line;
}

/** @param end of the line in `bytes`, and in `text`, which is the bytes as latin1 */
function readRequestLine(bytes: Buffer, text: string, end: number): RequestLine | Denial {
  const methodEnd = endOf(token, bytes, 0);
  const targetEnd = endOf(visibleCharacter, bytes, methodEnd + 1);
  if (methodEnd === 0 || bytes[methodEnd] !== space || targetEnd === methodEnd + 1) {
    return deny('malformed-request-line');
  }
  // HTTP/0.9 has no version; Node's own parser would also take RTSP/1.0, ICE/1.0 and HTTP/2.0 here.
  const rest = text.slice(targetEnd, end);
  if (rest === ' HTTP/1.1') {
    return { method: knownText(bytes, 0, methodEnd), target: text.slice(methodEnd + 1, targetEnd) };
  }
  return rest === '' || /^ [A-Z]{3,5}\/[0-9]\.[0-9]$/.test(rest)
    ? deny('unsupported-version')
    : deny('malformed-request-line');
}

const space = 0x20;

/** RFC 9112 section 6.3, with every case that two parsers might read differently refused (request smuggling). */
function readFraming(headers: readonly string[], text: string): RequestFraming | Denial {
  const lengths = fieldValues(headers, 'content-length');
  const codings = fieldValues(headers, 'transfer-encoding');
  if (lengths.length + codings.length === 0) return { kind: 'none' };
  if (lengths.length + codings.length > 1) {
    return deny('ambiguous-framing', { detail: 'more than one Content-Length or Transfer-Encoding' });
  }
  if (hasTabbedFraming(text)) return deny('ambiguous-framing', { detail: 'a tab beside the framing' });
  const [length] = lengths;
  if (length === undefined) {
    return codings[0] === 'chunked'
      ? { kind: 'chunked' }
      : deny('ambiguous-framing', { detail: 'Transfer-Encoding is not exactly chunked' });
  }
  const bytes = canonicalLength(length);
  if (bytes === undefined) return deny('ambiguous-framing', { detail: 'Content-Length is not canonical' });
  return bytes === 0 ? { kind: 'none' } : { kind: 'length', bytes };
}

function readExpectation(headers: readonly string[]): boolean | Denial {
  const values = fieldValues(headers, 'expect');
  if (values.length === 0) return false;
  return values.length === 1 && values[0]?.toLowerCase() === '100-continue' ? true : deny('unsupported-expectation');
}

function asksToClose(headers: readonly string[]): boolean {
  return connectionOptions(headers).includes('close');
}
