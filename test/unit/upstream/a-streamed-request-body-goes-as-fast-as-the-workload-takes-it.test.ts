import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { test } from 'tap';
import { type Denial, deny } from '../../../proxy/denial.ts';
import type { BodyConsumer, RequestBody } from '../../../proxy/transport.ts';
import { sendStreamed } from '../../../proxy/upstream/request-body.ts';

/** A body that the test sends to a socket that the test reads. */
function stage({ declaredBytes, maxBytes = 1 << 20 }: { declaredBytes?: number; maxBytes?: number } = {}) {
  let consumer: BodyConsumer | undefined;
  const source: RequestBody & { paused: boolean } = {
    declaredBytes,
    receivedBytes: 0,
    paused: false,
    consume: (given) => {
      consumer = given;
    },
    pause: () => {
      source.paused = true;
    },
    resume: () => {
      source.paused = false;
    },
  };
  let written = '';
  const wire = new Writable({
    highWaterMark: 16 * 1024,
    write: (chunk: Buffer, _, done) => {
      written += chunk.toString('latin1');
      done();
    },
  });
  const told: (Denial | 'complete')[] = [];
  sendStreamed('HEAD ', { source, maxBytes }, wire as unknown as Socket, {
    complete: () => told.push('complete'),
    failed: (denial) => told.push(denial),
    progressed: () => undefined,
  });
  return {
    source,
    wire,
    told,
    chunk: (data: Buffer) => consumer?.chunk(data),
    end: () => consumer?.end(),
    fail: (denial: Denial) => consumer?.failed(denial),
    sent: () => written,
  };
}

void test('a body of known length goes as it is, one without in chunks', (t) => {
  const known = stage({ declaredBytes: 5 });
  known.chunk(Buffer.from('he'));
  known.chunk(Buffer.from('llo'));
  known.end();
  t.equal(known.sent(), 'HEAD hello');
  const unknown = stage();
  unknown.chunk(Buffer.from('hello'));
  unknown.chunk(Buffer.alloc(0));
  unknown.chunk(Buffer.from(' world, again'));
  unknown.end();
  t.equal(
    unknown.sent(),
    'HEAD 5\r\nhello\r\nd\r\n world, again\r\n0\r\n\r\n',
    'a piece of nothing is not taken for the end',
  );
  t.same([known.told, unknown.told], [['complete'], ['complete']]);
  t.end();
});

void test('a body that fails is told once, ends nothing on the wire, and raises nothing', (t) => {
  const { chunk, fail, told, sent } = stage();
  chunk(Buffer.from('part'));
  fail(deny('client-aborted'));
  t.match(told, [{ code: 'client-aborted' }]);
  t.equal(sent(), 'HEAD 4\r\npart\r\n', 'no last chunk');
  t.end();
});

void test('of a body that fails before its first piece the workload hears nothing', (t) => {
  const { fail, told, sent } = stage();
  fail(deny('malformed-chunk'));
  t.match(told, [{ code: 'malformed-chunk' }]);
  t.equal(sent(), '');
  t.end();
});

void test('a body of no bytes is a head and an end', (t) => {
  const { end, told, sent } = stage();
  end();
  t.equal(sent(), 'HEAD 0\r\n\r\n');
  t.same(told, ['complete']);
  t.end();
});

void test('no body is longer than its cap', (t) => {
  const { chunk, told, sent } = stage({ maxBytes: 10 });
  chunk(Buffer.alloc(10, 'a'));
  chunk(Buffer.alloc(1, 'b'));
  t.match(told, [{ code: 'body-too-large' }]);
  t.notMatch(sent(), /b/);
  t.end();
});

void test('a workload that does not read makes the client wait', (t) => {
  const { chunk, source } = stage();
  chunk(Buffer.alloc(100_000));
  t.equal(source.paused, true);
  t.end();
});

void test('what comes when the connection is gone goes nowhere', (t) => {
  const { wire, chunk, end, told } = stage();
  wire.destroy();
  chunk(Buffer.from('late'));
  end();
  t.same(told, []);
  t.end();
});
