import { type Denial, deny } from '../denial.ts';
import { connectionOptions, fieldValues, type HeaderList } from '../header-list.ts';
import { hasTabbedFraming, readFieldLines } from './field-lines.ts';
import { canonicalLength, endOf, responseText } from '../message-grammar.ts';

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

/** Reads the response head in `bytes[0, end)`, where `end` came from a `LineSearch`. */
export function readResponseHead(bytes: Buffer, end: number, method: string): ReadHead | Denial {
  const text = bytes.toString('latin1', 0, end);
  const lineEnd = text.indexOf('\r\n');
  const status = readStatus(bytes, text, lineEnd);
  if (status === undefined) return noStatusLine();
  const headers = readFieldLines(bytes, text, lineEnd + 2, responseText);
  if (typeof headers === 'number') return malformedResponse(`header line ${headers}`);
  const lengths = fieldValues(headers, 'content-length');
  const codings = fieldValues(headers, 'transfer-encoding');
  const isOld = text.startsWith('HTTP/1.0');
  const lastOfConnection = isOld || connectionOptions(headers).includes('close');
  const framingFields = lengths.length + codings.length;
  if (status < 200) return readInterim(status, framingFields, lastOfConnection);
  if (framingFields > 0 && hasTabbedFraming(text)) return malformedResponse('a tab beside the framing');
  const framing = readFraming(method, status, lengths, codings);
  if ('code' in framing) return framing;
  // Section 6.1: an HTTP/1.0 recipient on the way may have passed the coding on without having understood it.
  if (isOld && codings.length > 0) return malformedResponse('Transfer-Encoding in HTTP/1.0');
  return { status, headers, framing, closes: lastOfConnection || framing.kind === 'close' };
}

/** RFC 9112 section 4; the reason phrase says nothing and is often missing with its space. */
function readStatus(bytes: Buffer, text: string, lineEnd: number): number | undefined {
  if (!text.startsWith('HTTP/1.1 ') && !text.startsWith('HTTP/1.0 ')) return undefined;
  const status = digit(bytes[9]) * 100 + digit(bytes[10]) * 10 + digit(bytes[11]);
  const hasReason = lineEnd > 12 && bytes[12] === space && endOf(responseText, bytes, 13) === lineEnd;
  return status >= 100 && status < 600 && (lineEnd === 12 || hasReason) ? status : undefined;
}

const space = 0x20;

/** NaN where it is none. */
function digit(code: number | undefined): number {
  return code !== undefined && code >= 0x30 && code <= 0x39 ? code - 0x30 : Number.NaN;
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
  if (noContent.has(status) && bytes !== 0) return malformedResponse(`content of a ${status}`);
  if (bytes !== undefined) return { kind: 'length', bytes };
  return codings.length > 0 ? { kind: 'chunked' } : { kind: 'close' };
}

/**
 * A 205 must have none (RFC 9110 section 15.3.6), and a 305 is deprecated (15.4.6): there are clients, Ruby's own for one, that look
 * for none and would read it as the answer to their next request.
 */
const noContent: ReadonlySet<number> = new Set([205, 305]);
