import { test } from 'tap';
import { connectFailure, connectionFailure } from '../../../proxy/upstream/failure.ts';
import { ResponseReader } from '../../../proxy/http1/response-reader.ts';
import { judgeResponse } from '../../../proxy/upstream/workload-response.ts';

type Reading = { readonly code?: string; readonly framing?: unknown };

/** Everything between the wire and the way back. */
function read(fields: readonly string[], { method = 'GET', status = 200, closeDelimited = false } = {}): Reading {
  const lines = fields.map((field) => `${field}\r\n`).join('');
  const arrived = new ResponseReader(method).read(Buffer.from(`HTTP/1.1 ${status} Any\r\n${lines}\r\n`, 'latin1'));
  if ('code' in arrived) return arrived;
  if (arrived.head === undefined) return {};
  return judgeResponse(arrived.head, { maxResponseBytes: 1000, unsafeCloseDelimited: closeDelimited });
}

void test('a body has one end that everybody agrees on, or the answer is refused', (t) => {
  for (const fields of [
    [],
    ['content-length: 1', 'content-length: 1'],
    ['content-length: 1', 'Content-Length: 2'],
    ['content-length: 1', 'transfer-encoding: chunked'],
    ['content-length: 01'],
    ['content-length: +1'],
    ['content-length: 1, 1'],
    ['content-length: '],
    ['content-length: 99999999999999999999'],
    ['transfer-encoding: gzip, chunked'],
    ['transfer-encoding: xchunked'],
    ['transfer-encoding: chunked', 'transfer-encoding: chunked'],
    ['x a: b', 'content-length: 0'],
    ['x-a: b\nx-c: d', 'content-length: 0'],
    ['x-a: b\rx-c: d', 'content-length: 0'],
  ]) {
    t.match(read(fields), { code: 'upstream-malformed' }, JSON.stringify(fields));
  }
  t.match(read(['content-length: 12']), { framing: { kind: 'length', bytes: 12 } });
  t.match(read(['content-length: 1001']), { code: 'upstream-too-large' });
  t.match(read(['transfer-encoding: chunked']), { framing: { kind: 'chunked' } });
  t.match(read([], { closeDelimited: true }), { framing: { kind: 'chunked' } });
  t.end();
});

void test('an answer that has no body has none, whatever it says', (t) => {
  t.match(read(['content-length: 12'], { method: 'HEAD' }), { framing: { kind: 'bodiless', declaredBytes: 12 } });
  t.match(read(['content-length: 12'], { status: 304 }), { framing: { kind: 'bodiless', declaredBytes: 12 } });
  t.match(read([], { status: 204 }), { framing: { kind: 'bodiless', declaredBytes: undefined } });
  t.match(read(['content-length: 0'], { status: 600 }), { code: 'upstream-malformed' });
  t.end();
});

void test('a failure has the code of how far the request had come', (t) => {
  const system = (code: string) => Object.assign(new Error(code), { code });
  for (const code of ['ECONNREFUSED', 'ENOENT', 'EACCES', 'EMFILE', 'EHOSTUNREACH']) {
    t.match(connectFailure(system(code)), { code: 'upstream-unreachable', detail: `the workload: ${code}` });
  }
  for (const code of ['ECONNRESET', 'EPIPE', 'ETIMEDOUT']) {
    t.match(connectionFailure(system(code)), { code: 'upstream-reset', detail: `the workload: ${code}` });
  }
  t.match(connectFailure(new AggregateError([])), { detail: 'the workload: AggregateError' });
  t.end();
});
