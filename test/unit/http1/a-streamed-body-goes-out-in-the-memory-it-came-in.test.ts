import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import type { LimitsConfig, WorkloadConfig } from '../../../proxy/config/config.ts';
import { type Denial, isDenial } from '../../../proxy/denial.ts';
import { Departure } from '../../../proxy/departure.ts';
import { Http1Connection } from '../../../proxy/http1/connection.ts';
import { OutgoingAnswer } from '../../../proxy/http1/outgoing-answer.ts';
import { relay } from '../../../proxy/relay.ts';
import type { AnswerSink, WireRequest } from '../../../proxy/transport.ts';
import { plainLinks } from '../../../proxy/upstream/link.ts';
import { openPool } from '../../../proxy/upstream/pool.ts';
import { sendStreamed } from '../../../proxy/upstream/request-body.ts';
import { WorkloadExchange } from '../../../proxy/upstream/workload-exchange.ts';
import type { ResponseBody, WorkloadResponse } from '../../../proxy/upstream/workload-response.ts';

const pieces = 64;
const piece = Buffer.alloc(64 * 1024, 'abcdefg');
const total = pieces * piece.length;

/** Both ends of a connection. */
async function socketPair(t: Test): Promise<readonly [near: Socket, far: Socket]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [near] = (await accepted) as [Socket];
  t.teardown(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return [near, far];
}

/** What is handed to a socket as bytes; text is the framing of ours. */
function notedWrites(socket: Socket): readonly Buffer[] {
  const written: Buffer[] = [];
  const write = socket.write.bind(socket) as (data: string | Buffer, encoding?: BufferEncoding) => boolean;
  socket.write = ((data: string | Buffer, encoding?: BufferEncoding) => {
    if (Buffer.isBuffer(data)) written.push(data);
    return write(data, encoding);
  }) as Socket['write'];
  return written;
}

const bytesOf = (buffers: readonly Buffer[]) => buffers.reduce((sum, { length }) => sum + length, 0);

/** Whether these bytes are a part of that memory, and not equal bytes elsewhere. */
function liesIn(view: Buffer, memory: Buffer): boolean {
  const from = view.byteOffset - memory.byteOffset;
  return view.buffer === memory.buffer && from >= 0 && from + view.length <= memory.length;
}

for (const framing of [`Content-Length: ${total}`, 'Transfer-Encoding: chunked']) {
  void test(`a request with ${framing}`, async (t) => {
    const [socket, client] = await socketPair(t);
    const [toWorkload, workload] = await socketPair(t);
    const written = notedWrites(toWorkload);
    const arrived: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => arrived.push(chunk));
    const complete = Promise.withResolvers<void>();
    toWorkload.on('drain', () => body?.resume());
    let body: WireRequest['body'];
    new Http1Connection(socket as TLSSocket, {
      limits: () => ({ maxHeadBytes: 1000, maxHeaders: 10, maxRequestsPerConnection: 10 }) as LimitsConfig,
      now: () => 0,
      serve: (wire) => {
        body = wire.body;
        if (body === undefined) return;
        sendStreamed('HEAD', { source: body, maxBytes: total }, toWorkload, {
          complete: complete.resolve,
          failed: ({ code }) => complete.reject(new Error(code)),
          progressed: () => undefined,
        });
      },
      mustClose: () => false,
      ended: () => undefined,
      bug: (cause) => complete.reject(cause as Error),
    });
    workload.resume();
    client.write(`POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`);
    const chunked = framing.endsWith('chunked');
    for (let sent = 0; sent < pieces; sent += 1) {
      if (chunked) client.write(`${piece.length.toString(16)}\r\n`);
      const flows = client.write(piece);
      if (chunked) client.write('\r\n');
      if (!flows) await once(client, 'drain');
    }
    if (chunked) client.write('0\r\n\r\n');
    await complete.promise;
    t.equal(bytesOf(written), total);
    t.ok(
      written.every((view) => arrived.some((memory) => liesIn(view, memory))),
      'each piece lies in what was read from the client',
    );
  });
}

/** What a workload answers with: unlike at every place, so that memory which is used again too early shows. */
const answers = [randomBytes(total), randomBytes(total)] as const;

for (const framing of [`content-length: ${total}`, 'transfer-encoding: chunked']) {
  void test(`answers with ${framing}, two at once, one of them to a slow client`, async (t) => {
    const ask = await workloadOf(t, framing);
    const way = async (expected: Buffer, index: number) => {
      const { delivered, written, received, relayed } = await wayBack(t, await ask(index), index === 1);
      t.equal(relayed, 'complete');
      t.ok(written.length > 1 && written.every((bytes, at) => bytes === delivered[at]?.data), 'as it was delivered');
      t.ok(received.equals(expected), 'and nothing was read into it before it had left');
      return delivered.filter(({ isLent }) => isLent).map(({ data }) => data.buffer);
    };
    const lent = (await Promise.all(answers.map(way))).flat();
    t.ok(lent.length > 8, 'most pieces are not copied');
    t.ok(new Set(lent).size < lent.length, 'and their memory goes round');
  });
}

void test('who cannot tell when he has done with the bytes gets a copy, which stays as it is', async (t) => {
  const ask = await workloadOf(t, `content-length: ${total}`);
  const { body } = await ask(0);
  const kept: Buffer[] = [];
  await new Promise<void>((resolve, reject) => {
    const failed = ({ code }: Denial) => reject(new Error(code));
    (body as ResponseBody).consume({ chunk: (data) => void kept.push(data), end: resolve, failed });
  });
  t.ok(Buffer.concat(kept).equals(answers[0]));
});

/** A workload, and how to ask it for one of the answers. */
async function workloadOf(t: Test, framing: string): Promise<(index: number) => Promise<WorkloadResponse>> {
  const chunked = framing.endsWith('chunked');
  const server = createServer((socket) => {
    socket.once('data', (head: Buffer) => {
      const answer = answers[head.toString('latin1').startsWith('GET /1') ? 1 : 0];
      socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
      for (let at = 0; at < total; at += piece.length) {
        if (chunked) socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(answer.subarray(at, at + piece.length));
        if (chunked) socket.write('\r\n');
      }
      if (chunked) socket.write('0\r\n\r\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const config = {
    address: { kind: 'tcp', host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    connectTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    maxResponseBytes: total,
    maxConnections: 2,
    unsafeCloseDelimited: false,
  } as WorkloadConfig;
  const pool = openPool(config, plainLinks(config));
  t.teardown(() => pool.close());
  return (index) =>
    new Promise((resolve, reject) => {
      const request = { method: 'GET', target: `/${index}`, authority: 'a', headers: [], lines: '', body: undefined };
      const settled = (outcome: WorkloadResponse | { code: string }) =>
        isDenial(outcome) ? reject(new Error(outcome.code)) : resolve(outcome as WorkloadResponse);
      pool.dispatch(new WorkloadExchange(request, config, { sent: () => undefined, settled }), 60_000);
    });
}

/** Takes an answer to a client. Whatever the workload's framing, ours has a length: what the client reads ends in the body. */
async function wayBack(t: Test, response: WorkloadResponse, isSlow: boolean) {
  const [socket, client] = await socketPair(t);
  const written = notedWrites(socket);
  const events = { finished: () => undefined, progressed: () => undefined, mustClose: () => true };
  const sink = new OutgoingAnswer(socket, events);
  socket.on('drain', () => sink.drained());
  const arrived: Buffer[] = [];
  client.on('data', (bytes: Buffer) => {
    arrived.push(bytes);
    if (!isSlow) return;
    client.pause();
    setImmediate(() => setImmediate(() => client.resume()));
  });
  const ended = once(client, 'end');
  const { body, delivered } = noted(response.body as ResponseBody);
  const relayed = await relayTo(sink, { ...response, framing: { kind: 'length', bytes: total }, body });
  socket.end();
  await ended;
  return { delivered, written, relayed, received: Buffer.concat(arrived).subarray(-total) };
}

type Delivered = { readonly data: Buffer; readonly isLent: boolean };

function noted(source: ResponseBody): { readonly body: ResponseBody; readonly delivered: readonly Delivered[] } {
  const delivered: Delivered[] = [];
  const body: ResponseBody = {
    consume: ({ chunk, lent, ...rest }) =>
      source.consume({
        ...rest,
        chunk: (data) => {
          delivered.push({ data, isLent: false });
          chunk(data);
        },
        lent: (data, done) => {
          delivered.push({ data, isLent: true });
          lent?.(data, done);
        },
      }),
    pause: () => source.pause(),
    resume: () => source.resume(),
    abort: () => source.abort(),
  };
  return { body, delivered };
}

async function relayTo(sink: AnswerSink, answer: WorkloadResponse): Promise<string> {
  sink.head(answer.status, answer.headers, answer.framing, false);
  const asker = { departure: new Departure(), beganNs: 0n, route: { config: { timeoutMs: 60_000 } } };
  const relayed = await relay(answer, sink, asker, () => 0n);
  if (relayed.kind === 'complete') sink.end(relayed.last);
  return relayed.kind;
}
