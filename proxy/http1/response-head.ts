import { type Denial, deny } from '../denial.ts';
import { connectionOptions, fieldValues, type HeaderList } from '../header-list.ts';
import { readFieldLines } from './field-lines.ts';
import { canonicalLength, isResponseText } from './grammar.ts';

/** How the body of a response ends (RFC 9112 section 6.3). */
export type ResponseFraming =
  /** HEAD, 204 and 304: no body whatever the headers say. */
  | { readonly kind: 'bodiless'; readonly declaredBytes: number | undefined }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** With the connection: nobody can see whether it was cut short. */
  | { readonly kind: 'close' };

export type FinalHead = {
  readonly status: number;
  /** Name, value, name, value: in the order and the case in which they came, one character per byte. */
  readonly headers: HeaderList;
  readonly framing: ResponseFraming;
  /** The connection ends with this response (RFC 9112 section 9.3). */
  readonly closes: boolean;
};

/** `interim`: a 1xx, which says nothing that is passed on; the final head follows. */
export type ReadHead = FinalHead | 'interim';

export const malformedResponse = (detail: string): Denial => deny('upstream-malformed', { detail });

export const noStatusLine = (): Denial => malformedResponse('no status line of HTTP/1.1');

/** RFC 9112 section 4; the reason phrase says nothing and is often missing with its space. */
const statusLine = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([^]*))?$/;

/** Reads the response head in `bytes[0, end)`, where `end` came from a `LineSearch`. */
export function readResponseHead(bytes: Buffer, end: number, method: string): ReadHead | Denial {
  const text = bytes.toString('latin1', 0, end);
  const lineEnd = text.indexOf('\r\n');
  const [, minor, digits, reason = ''] = statusLine.exec(text.slice(0, lineEnd)) ?? [];
  if (digits === undefined || !isResponseText(reason)) return noStatusLine();
  const headers = readFieldLines(text, lineEnd + 2, isResponseText);
  if (typeof headers === 'number') return malformedResponse(`header line ${headers}`);
  const status = Number(digits);
  const lengths = fieldValues(headers, 'content-length');
  const codings = fieldValues(headers, 'transfer-encoding');
  const lastOfConnection = minor === '0' || connectionOptions(headers).includes('close');
  if (status < 200) return readInterim(status, lengths.length + codings.length, lastOfConnection);
  const framing = readFraming(method, status, lengths, codings);
  if ('code' in framing) return framing;
  // Section 6.1: an HTTP/1.0 recipient on the way may have passed the coding on without having understood it.
  if (minor === '0' && codings.length > 0) return malformedResponse('Transfer-Encoding in HTTP/1.0');
  return { status, headers, framing, closes: lastOfConnection || framing.kind === 'close' };
}

/** Nothing was asked to be switched or continued, and what follows a 101 is no HTTP (CVE-2026-73548). */
function readInterim(status: number, framingFields: number, lastOfConnection: boolean): 'interim' | Denial {
  if (status <= 101) return malformedResponse('an interim response that nobody asked for');
  // RFC 9110 section 8.6. There are readers that would look for the body that it announces.
  if (framingFields > 0) return malformedResponse('an interim response with a body');
  // HTTP/1.0 has none (section 15.2), and llhttp takes nothing for an answer that comes behind the last of a connection.
  return lastOfConnection ? malformedResponse('an interim response that is the last of its connection') : 'interim';
}

/** One end of the body that everybody agrees on, or none (CVE-2026-6733, CVE-2026-34441). */
function readFraming(
  method: string,
  status: number,
  lengths: readonly string[],
  codings: readonly string[],
): ResponseFraming | Denial {
  if (lengths.length + codings.length > 1) return malformedResponse('the body length is ambiguous');
  const [length] = lengths;
  const bytes = length === undefined ? undefined : canonicalLength(length);
  if (length !== undefined && bytes === undefined) return malformedResponse('Content-Length is not canonical');
  if (codings[0] !== undefined && codings[0] !== 'chunked') {
    return malformedResponse('Transfer-Encoding is not exactly chunked');
  }
  if (method === 'HEAD' || status === 204 || status === 304) {
    return { kind: 'bodiless', declaredBytes: status === 204 ? undefined : bytes };
  }
  if (bytes !== undefined) return { kind: 'length', bytes };
  return codings.length > 0 ? { kind: 'chunked' } : { kind: 'close' };
}
