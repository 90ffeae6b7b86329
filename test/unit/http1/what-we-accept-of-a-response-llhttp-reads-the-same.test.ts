import fc from 'fast-check';
import { test } from 'tap';
import { loadResponseVectors, textOf } from '../../harness/http1-response-vectors.ts';
import { mutantsOf } from '../../harness/mutations.ts';
import { startLlhttpClient } from './llhttp-client.ts';
import { readResponse } from './read-response.ts';

/**
 * Response splitting and desync need two parsers that disagree (CVE-2026-6733, CVE-2026-48931). Whatever our reader takes for
 * a whole response, Node's llhttp in strict mode must take for the same: status, fields, body, and where it ends; there is no
 * exception. The other direction is free: we refuse a great deal that llhttp takes.
 */
const budgetMs = Number(process.env['PORTCULLIS_FUZZ_MS'] ?? 8000);

const good: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nContent-Type: text/plain\r\n\r\nhello world',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\nb\r\nhello world\r\n0\r\nX-A: b\r\n\r\n',
  'HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n',
  'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 500 \r\nConnection: close\r\nContent-Length: 2\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n\r\nok',
];
const vectors = loadResponseVectors()
  .flatMap((group) => group.vectors.map((vector) => textOf(vector.bytes)))
  .filter((text) => text.length < 600);

void test('no response is read in two ways', async (t) => {
  t.setTimeout(60_000 + budgetMs);
  const readWithNode = startLlhttpClient();
  let accepted = 0;
  const property = fc.asyncProperty(
    mutantsOf(good, vectors),
    fc.constantFrom('GET', 'GET', 'HEAD'),
    async (bytes, method) => {
      const ours = readResponse([bytes], method);
      if ('refused' in ours) return;
      accepted += 1;
      const message = bytes.subarray(0, bytes.length - ours.left.length);
      const { status, headers } = ours.head;
      const wanted = { status, headers, body: ours.body };
      const theirs = await readWithNode(message, method);
      if (JSON.stringify(theirs) === JSON.stringify(wanted)) return;
      throw new Error(`${method} ${JSON.stringify(message.toString('latin1'))}: node reads ${JSON.stringify(theirs)}`);
    },
  );
  await fc.assert(property, { numRuns: 1e9, interruptAfterTimeLimit: budgetMs, endOnFailure: true });
  t.comment(`${accepted} mutants were accepted by both`);
  t.ok(accepted > 100, 'mutants that are accepted at all');
});
