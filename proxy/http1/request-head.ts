import { type Denial, deny } from '../denial.ts';
import { connectionOptions, fieldValues } from '../header-list.ts';
import { canonicalLength, isFieldValue, isToken, isVisible } from './grammar.ts';

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

export type HeadLimits = { readonly maxHeadBytes: number; readonly maxHeaders: number };

const carriageReturn = 0x0d;
const lineFeed = 0x0a;

/** Given everything that came so far: the offset behind the head, `'more'` when it is not complete, or a Denial. */
export type HeadSearch = (bytes: Buffer) => number | 'more' | Denial;

/**
 * Looks for the empty line that ends a head. Every line must end in CR LF: a lone LF means something else to some
 * parsers (CVE-2023-30589), so it is refused at once rather than waited over. Each byte is looked at once: a head that
 * comes byte by byte must not cost a search over all lines before each (THREATS 1.7).
 */
export function headSearch(limits: HeadLimits): HeadSearch {
  let lineStart = 0;
  let searched = 0;
  let lines = 0;
  return (bytes) => {
    for (let lf = bytes.indexOf(lineFeed, searched); lf !== -1; lf = bytes.indexOf(lineFeed, lineStart)) {
      if (lf >= limits.maxHeadBytes) return deny('head-too-large');
      if (lf === lineStart || bytes[lf - 1] !== carriageReturn) {
        return deny(lines === 0 ? 'malformed-request-line' : 'malformed-header', {
          detail: 'a line ends in LF without CR',
        });
      }
      if (lf === lineStart + 1) {
        return lines === 0 ? deny('malformed-request-line', { detail: 'empty line before the request' }) : lf + 1;
      }
      lines += 1;
      // The request line is one of them. Refused, never cut: what is beyond the count may be the framing (CVE-2026-58044).
      if (lines > limits.maxHeaders + 1) return deny('too-many-headers');
      lineStart = lf + 1;
    }
    searched = bytes.length;
    return bytes.length > limits.maxHeadBytes ? deny('head-too-large') : 'more';
  };
}

/** What stands before the body: `bytes` long; 0 of what is refused, behind which nothing is read. */
export type FoundHead = {
  readonly head: RequestHead | Denial;
  readonly line: RequestLine | undefined;
  readonly bytes: number;
};

export type HeadReader = (bytes: Buffer) => FoundHead | undefined;

/** Given everything that came so far: its head, or undefined while that is not complete. */
export function headReader(limits: HeadLimits): HeadReader {
  const search = headSearch(limits);
  return (bytes) => {
    const end = search(bytes);
    if (end === 'more') return undefined;
    const head = typeof end === 'number' ? readRequestHead(bytes, end) : end;
    return 'code' in head
      ? { head, line: readableLine(bytes, limits), bytes: 0 }
      : { head, line: head, bytes: Number(end) };
  };
}

/** Reads the head in `bytes[0, end)`, where `end` came from a `HeadSearch`. */
export function readRequestHead(bytes: Buffer, end: number): RequestHead | Denial {
  const text = bytes.toString('latin1', 0, end);
  const lineEnd = text.indexOf('\r\n');
  const line = readRequestLine(text.slice(0, lineEnd));
  if ('code' in line) return line;
  const headers = readHeaders(text, lineEnd + 2);
  if ('code' in headers) return headers;
  const framing = readFraming(headers);
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
  const line = readRequestLine(bytes.toString('latin1', 0, end));
  return 'code' in line ? undefined : line;
}

function readRequestLine(line: string): RequestLine | Denial {
  const [method, target, version, ...rest] = line.split(' ');
  if (method === undefined || target === undefined || rest.length > 0 || !isToken(method) || !isVisible(target)) {
    return deny('malformed-request-line');
  }
  // HTTP/0.9 has no version; Node's own parser would also take RTSP/1.0, ICE/1.0 and HTTP/2.0 here.
  if (version !== 'HTTP/1.1') {
    return version === undefined || /^[A-Z]{3,5}\/[0-9]\.[0-9]$/.test(version)
      ? deny('unsupported-version')
      : deny('malformed-request-line');
  }
  return { method, target };
}

function readHeaders(text: string, start: number): readonly string[] | Denial {
  const headers: string[] = [];
  for (let at = start; ; ) {
    const end = text.indexOf('\r\n', at);
    if (end === at) return headers;
    const colon = text.indexOf(':', at);
    // A line that starts with white space (obs-fold) or has one before the colon fails here: neither is a token.
    if (colon === -1 || colon > end || !isToken(text, at, colon) || !isFieldValue(text, colon + 1, end)) {
      return deny('malformed-header', { detail: `header line ${headers.length / 2 + 1}` });
    }
    headers.push(text.slice(at, colon), trimOptionalSpace(text, colon + 1, end));
    at = end + 2;
  }
}

function trimOptionalSpace(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && (text[from] === ' ' || text[from] === '\t')) from += 1;
  while (to > from && (text[to - 1] === ' ' || text[to - 1] === '\t')) to -= 1;
  return text.slice(from, to);
}

/** RFC 9112 section 6.3, with every case that two parsers might read differently refused (request smuggling). */
function readFraming(headers: readonly string[]): RequestFraming | Denial {
  const lengths = fieldValues(headers, 'content-length');
  const codings = fieldValues(headers, 'transfer-encoding');
  if (lengths.length + codings.length === 0) return { kind: 'none' };
  if (lengths.length + codings.length > 1) {
    return deny('ambiguous-framing', { detail: 'more than one Content-Length or Transfer-Encoding' });
  }
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
