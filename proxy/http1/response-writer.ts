import type { HeaderList } from '../header-list.ts';
import { STATUS_CODES } from '../node-http.ts';
import type { AnswerFraming } from '../transport.ts';

/** The head of a final response, one character per byte. Status and fields were judged before: nothing is looked at again here. */
export function responseHead(status: number, headers: HeaderList, framing: AnswerFraming, close: boolean): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`;
  for (let index = 0; index < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  return `${text}${framingField(framing)}connection: ${close ? 'close' : 'keep-alive'}\r\n\r\n`;
}

/** Every body is framed explicitly; of one that is not sent its length may be told (RFC 9110 section 8.6). */
function framingField(framing: AnswerFraming): string {
  switch (framing.kind) {
    case 'length':
      return `content-length: ${framing.bytes}\r\n`;
    case 'chunked':
      return 'transfer-encoding: chunked\r\n';
    case 'bodiless':
      return framing.declaredBytes === undefined ? '' : `content-length: ${framing.declaredBytes}\r\n`;
  }
}
