import { loadResponseVectors, textOf } from '../harness/http1-response-vectors.ts';
import { startLlhttpClient } from './llhttp-client.ts';
import { readResponse } from './read-response.ts';
import { responseRefusals } from './response-rules.ts';
import { ruleOf } from './rule.ts';
import type { Subject } from './subject.ts';

/** Plainly good ones, so that many mutants are too. */
export const goodResponses: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\nb\r\nhello world\r\n0\r\nX-A: b\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 500 \r\nConnection: close\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nok',
  'HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end',
];

export const goodAndOddResponses: readonly Buffer[] = [
  ...goodResponses,
  ...loadResponseVectors().flatMap((group) => group.vectors.map(({ bytes }) => textOf(bytes))),
].map((text) => Buffer.from(text, 'latin1'));

/** Our reader of responses and llhttp's, over the same bytes and the end of the connection. */
export function responseSubject(method: 'GET' | 'HEAD'): Subject {
  const readWithNode = startLlhttpClient();
  return {
    name: `responses to ${method}`,
    corpus: goodAndOddResponses,
    read: (pieces) => readResponse(pieces, method),
    compare: async (bytes) => {
      const ours = readResponse([bytes], method);
      if ('refused' in ours) {
        const theirs = await readWithNode(bytes, method);
        const mark = JSON.stringify(ours);
        if ('refused' in theirs) return { verdict: 'both-refuse', mark };
        const rule = ruleOf(responseRefusals, ours);
        if (rule !== undefined) return { verdict: 'rule', rule };
        return { verdict: 'unlisted', what: `we refuse it (${mark}), llhttp reads ${JSON.stringify(theirs)}` };
      }
      const { status, headers, framing } = ours.head;
      const wanted = { status, headers, body: ours.body };
      const theirs = await readWithNode(bytes.subarray(0, bytes.length - ours.left.length), method);
      if (JSON.stringify(theirs) === JSON.stringify(wanted))
        return { verdict: 'both-accept', mark: [status, headers.length, framing.kind, ours.keepsConnection].join() };
      return { verdict: 'unlisted', what: `we read ${JSON.stringify(wanted)}, llhttp ${JSON.stringify(theirs)}` };
    },
  };
}
