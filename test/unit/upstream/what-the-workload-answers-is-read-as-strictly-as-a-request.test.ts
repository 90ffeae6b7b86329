import { errors } from 'undici';
import { test } from 'tap';
import { upstreamFailure } from '../../../proxy/upstream/failure.ts';
import { readResponseHead } from '../../../proxy/upstream/workload-response.ts';

type Reading = { readonly code?: string; readonly framing?: unknown };

const read = (headers: readonly string[], { method = 'GET', status = 200, closeDelimited = false } = {}): Reading =>
  readResponseHead(method, status, headers, closeDelimited);

void test('a body has one end that everybody agrees on, or the answer is refused', (t) => {
  for (const headers of [
    [],
    ['content-length', '1', 'content-length', '1'],
    ['content-length', '1', 'Content-Length', '2'],
    ['content-length', '1', 'transfer-encoding', 'chunked'],
    ['content-length', '01'],
    ['content-length', '+1'],
    ['content-length', '1, 1'],
    ['content-length', ''],
    ['content-length', '99999999999999999999'],
    ['transfer-encoding', 'gzip, chunked'],
    ['transfer-encoding', 'xchunked'],
    ['transfer-encoding', 'chunked', 'transfer-encoding', 'chunked'],
    ['x a', 'b', 'content-length', '0'],
    ['x-a', 'b\r\nx-c: d', 'content-length', '0'],
  ]) {
    t.match(read(headers), { code: 'upstream-malformed' }, JSON.stringify(headers));
  }
  t.match(read(['content-length', '12']), { framing: { kind: 'length', bytes: 12 } });
  t.match(read(['transfer-encoding', 'chunked']), { framing: { kind: 'chunked' } });
  t.match(read([], { closeDelimited: true }), { framing: { kind: 'chunked' } });
  t.end();
});

void test('an answer that has no body has none, whatever it says', (t) => {
  t.match(read(['content-length', '12'], { method: 'HEAD' }), { framing: { kind: 'bodiless', declaredBytes: 12 } });
  t.match(read(['content-length', '12'], { status: 304 }), { framing: { kind: 'bodiless', declaredBytes: 12 } });
  t.match(read([], { status: 204 }), { framing: { kind: 'bodiless', declaredBytes: undefined } });
  t.match(read(['content-length', '0'], { status: 600 }), { code: 'upstream-malformed' });
  t.end();
});

void test('each way to fail has one code', (t) => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  const cases: readonly (readonly [Error, boolean, string])[] = [
    [system('ECONNREFUSED'), false, 'upstream-unreachable'],
    [system('ENOENT'), false, 'upstream-unreachable'],
    [system('EMFILE'), false, 'upstream-unreachable'],
    [new errors.ConnectTimeoutError('connect'), false, 'upstream-unreachable'],
    [new errors.HeadersTimeoutError('head'), true, 'upstream-timeout'],
    [new errors.BodyTimeoutError('body'), true, 'upstream-timeout'],
    [system('ECONNRESET'), true, 'upstream-reset'],
    [new errors.SocketError('other side closed'), true, 'upstream-reset'],
    [new errors.SocketError('bad response'), true, 'upstream-malformed'],
    [new errors.HTTPParserError('Expected HTTP/'), true, 'upstream-malformed'],
    [
      Object.assign(new errors.HTTPParserError('Invalid header'), { code: 'HPE_INVALID_HEADER_TOKEN' }),
      true,
      'upstream-malformed',
    ],
    [new errors.HeadersOverflowError('head'), true, 'upstream-malformed'],
    [new errors.ResponseContentLengthMismatchError('length'), true, 'upstream-malformed'],
  ];
  for (const [error, sent, code] of cases) t.equal(upstreamFailure(error, sent).code, code, error.message);
  t.end();
});
