import type { HeaderList } from '../header-list.ts';
import type { RequestFraming } from './request-head.ts';

/** A request as it goes out. Method, target and fields were judged before: nothing is looked at again here. */
export type WrittenRequest = {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  /** Without Host and the fields of the framing. */
  readonly headers: HeaderList;
  /** More fields, behind the headers, as they stand in a head: made once for many requests. */
  readonly lines: string;
};

/** Their body is missed where nothing is said of it (RFC 9110 section 8.6). */
const expectsBody: ReadonlySet<string> = new Set(['PATCH', 'POST', 'PUT', 'QUERY']);

/**
 * The head of a request, one character per byte.
 * @param last of its connection (RFC 9112 section 9.6)
 */
export function requestHead(
  { method, target, authority, headers, lines }: WrittenRequest,
  framing: RequestFraming,
  last: boolean,
): string {
  let text = `${method} ${target} HTTP/1.1\r\nhost: ${authority}\r\n`;
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  return `${text}${lines}${framingField(method, framing)}${last ? 'connection: close\r\n' : ''}\r\n`;
}

/** Every body is framed explicitly, whatever the method: an unframed one would be the next request (THREATS 1.7). */
function framingField(method: string, framing: RequestFraming): string {
  switch (framing.kind) {
    case 'none':
      return expectsBody.has(method) ? 'content-length: 0\r\n' : '';
    case 'length':
      return `content-length: ${framing.bytes}\r\n`;
    case 'chunked':
      return 'transfer-encoding: chunked\r\n';
  }
}
