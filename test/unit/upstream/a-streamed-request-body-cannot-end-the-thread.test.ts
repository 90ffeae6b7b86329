import type { Readable } from 'node:stream';
import { test } from 'tap';
import { type Denial, deny } from '../../../proxy/denial.ts';
import type { BodyConsumer, RequestBody } from '../../../proxy/exchange.ts';
import { requestStream } from '../../../proxy/upstream/request-stream.ts';

function source() {
  let consumer: BodyConsumer | undefined;
  const body: RequestBody & { paused: boolean } = {
    declaredBytes: undefined,
    receivedBytes: 0,
    paused: false,
    consume: (given) => {
      consumer = given;
    },
    pause: () => {
      body.paused = true;
    },
    resume: () => {
      body.paused = false;
    },
  };
  return { body, consumer: () => consumer };
}

/** Not `once` of node:events, which would listen for errors. */
const closed = (stream: Readable) => new Promise<void>((resolve) => stream.once('close', () => resolve()));

void test('a body that fails when nobody listens any more is told once, and raises nothing', async (t) => {
  const { body, consumer } = source();
  const told: Denial[] = [];
  const stream = requestStream(body, 1000, (denial) => told.push(denial));
  stream.resume();
  await new Promise((resolve) => setImmediate(resolve));
  consumer()?.failed(deny('client-aborted'));
  // Without a listener of the stream's own, this close would come with an uncaught error.
  await closed(stream);
  t.match(told, [{ code: 'client-aborted' }]);
});

void test('no body is longer than its cap, and none is asked for before the workload wants it', async (t) => {
  const { body, consumer } = source();
  const told: Denial[] = [];
  const stream = requestStream(body, 10, (denial) => told.push(denial));
  t.equal(consumer(), undefined, 'so the client still waits for its 100 Continue');
  const received: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => received.push(chunk));
  await new Promise((resolve) => setImmediate(resolve));
  consumer()?.chunk(Buffer.alloc(10));
  consumer()?.chunk(Buffer.alloc(1));
  await closed(stream);
  t.match(told, [{ code: 'body-too-large' }]);
  t.equal(Buffer.concat(received).length <= 10, true);
});

void test('a workload that does not read makes the client wait', async (t) => {
  const { body, consumer } = source();
  const stream = requestStream(body, 1 << 20, () => undefined);
  stream.read(0);
  await new Promise((resolve) => setImmediate(resolve));
  consumer()?.chunk(Buffer.alloc(100_000));
  t.equal(body.paused, true);
  stream.resume();
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(body.paused, false);
  stream.destroy();
});
