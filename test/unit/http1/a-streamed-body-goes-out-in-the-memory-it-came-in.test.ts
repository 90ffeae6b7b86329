import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import type { LimitsConfig, WorkloadConfig } from '../../../proxy/config/config.ts';
import { isDenial } from '../../../proxy/denial.ts';
import { Departure } from '../../../proxy/departure.ts';
import { Http1Connection } from '../../../proxy/http1/connection.ts';
import { OutgoingAnswer } from '../../../proxy/http1/outgoing-answer.ts';
import { relay } from '../../../proxy/relay.ts';
import type { AnswerSink, WireRequest } from '../../../proxy/transport.ts';
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

for (const framing of [`content-length: ${total}`, 'transfer-encoding: chunked']) {
  void test(`an answer with ${framing}: copied once, out of the memory that all connections read into`, async (t) => {
    const chunked = framing.endsWith('chunked');
    const server = createServer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`);
        for (let sent = 0; sent < pieces; sent += 1) {
          if (chunked) socket.write(`${piece.length.toString(16)}\r\n`);
          socket.write(piece);
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
      maxConnections: 1,
      unsafeCloseDelimited: false,
    } as WorkloadConfig;
    const pool = openPool(config);
    t.teardown(() => pool.close());
    const response = await new Promise<WorkloadResponse>((resolve, reject) => {
      const request = { method: 'GET', target: '/', authority: 'a', headers: [], lines: '', body: undefined };
      const settled = (outcome: WorkloadResponse | { code: string }) =>
        isDenial(outcome) ? reject(new Error(outcome.code)) : resolve(outcome as WorkloadResponse);
      pool.dispatch(new WorkloadExchange(request, config, { sent: () => undefined, settled }), 60_000);
    });
    const [socket, client] = await socketPair(t);
    client.resume();
    const written = notedWrites(socket);
    const sink = new OutgoingAnswer(socket, {
      finished: () => undefined,
      progressed: () => undefined,
      mustClose: () => false,
    });
    socket.on('drain', () => sink.drained());
    const { body, delivered } = noted(response.body as ResponseBody);
    const relayed = await relayTo(sink, { ...response, body });
    t.equal(bytesOf(written), total);
    t.ok(
      written.length > 1 && written.every((buffer, at) => buffer === delivered[at]),
      'each piece as it was delivered',
    );
    t.ok(
      Buffer.concat(delivered).equals(Buffer.concat(Array(pieces).fill(piece))),
      'which nothing was read into again',
    );
    t.equal(relayed, 'complete');
  });
}

function noted(source: ResponseBody): { readonly body: ResponseBody; readonly delivered: readonly Buffer[] } {
  const delivered: Buffer[] = [];
  const body: ResponseBody = {
    consume: (consumer) =>
      source.consume({
        ...consumer,
        chunk: (data) => {
          delivered.push(data);
          consumer.chunk(data);
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
  const relayed = await relay(answer, sink, new Departure());
  if (relayed.kind === 'complete') sink.end(relayed.last);
  return relayed.kind;
}
