import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import type { WorkloadConfig } from '../../../proxy/config/config.ts';
import { type Denial, deny, isDenial } from '../../../proxy/denial.ts';
import type { BodyConsumer, RequestBody } from '../../../proxy/transport.ts';
import { plainLinks } from '../../../proxy/upstream/link.ts';
import { openPool } from '../../../proxy/upstream/pool.ts';
import { WorkloadExchange, type WorkloadRequest } from '../../../proxy/upstream/workload-exchange.ts';
import type { WorkloadResponse } from '../../../proxy/upstream/workload-response.ts';

const ok = (body: string, more = '') => `HTTP/1.1 200 OK\r\n${more}content-length: ${body.length}\r\n\r\n${body}`;

/** A workload that answers by hand, and a pool to it. */
async function stage(
  t: Test,
  respond: (socket: Socket, request: string) => void,
  options: Partial<WorkloadConfig> = {},
) {
  const requests: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      const request = chunk.toString('latin1');
      requests.push(request.split('\r\n', 1)[0] ?? '');
      respond(socket, request);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const config = {
    address: { kind: 'tcp', host: '127.0.0.1', port },
    connectTimeoutMs: 60_000,
    headersTimeoutMs: 60_000,
    bodyTimeoutMs: 60_000,
    maxResponseBytes: 1 << 20,
    maxConnections: 4,
    unsafeCloseDelimited: false,
    ...options,
  } as WorkloadConfig;
  const pool = openPool(config, plainLinks(config));
  t.teardown(() => {
    pool.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const start = (request: Partial<WorkloadRequest> = {}, timeoutMs = 60_000) => {
    const events: string[] = [];
    let exchange: WorkloadExchange | undefined;
    const settled = new Promise<WorkloadResponse | Denial>((resolve) => {
      const whole = { method: 'GET', target: '/', authority: 'a', headers: [], lines: '', body: undefined, ...request };
      exchange = new WorkloadExchange(whole, config, { sent: () => events.push('sent'), settled: resolve });
      pool.dispatch(exchange, timeoutMs);
    });
    return { settled, events, cancel: (cause: Denial) => exchange?.cancel(cause) };
  };
  const ask = async (request: Partial<WorkloadRequest> = {}, timeoutMs?: number) => {
    const outcome = await start(request, timeoutMs).settled;
    return isDenial(outcome) ? outcome.code : whole(outcome);
  };
  return { start, ask, requests, sockets };
}

/** The body, and how it ended where that was no good end. */
function whole({ body }: WorkloadResponse): Promise<string> | string {
  if (Buffer.isBuffer(body)) return body.toString('latin1');
  return new Promise((resolve) => {
    let text = '';
    body.consume({
      chunk: (data) => (text += data.toString('latin1')),
      end: () => resolve(text),
      failed: ({ code }) => resolve(`${text}|${code}`),
    });
  });
}

/** A body that the test sends. */
function sending(declaredBytes?: number) {
  let consumer: BodyConsumer | undefined;
  const started = Promise.withResolvers<void>();
  const source: RequestBody = {
    declaredBytes,
    receivedBytes: 0,
    consume: (given) => {
      consumer = given;
      started.resolve();
    },
    pause: () => undefined,
    resume: () => undefined,
  };
  return { body: { source, maxBytes: 1 << 20 }, started: started.promise, to: () => consumer };
}

void test('one connection serves one request after the other, and each has its own answer', async (t) => {
  const { ask, sockets } = await stage(t, (socket, request) => socket.write(ok(request.split(' ')[1] ?? '')));
  for (const target of ['/a', '/b', '/c']) t.equal(await ask({ target }), target);
  t.equal(sockets.length, 1);
});

void test('a connection that has served all it may ends with the answer, whatever comes behind', async (t) => {
  const heads: string[] = [];
  const pushed = ok('PUSHED');
  const answer = (socket: Socket, request: string) => {
    heads.push(request);
    socket.write(ok(request.split(' ')[1] ?? ''));
    // Behind the answer, at any time: whoever asks next on this connection would take it for his own (CVE-2026-6733).
    socket.once('end', () => socket.end(pushed));
  };
  for (const maxRequestsPerConnection of [1, 2]) {
    heads.length = 0;
    const { ask, sockets } = await stage(t, answer, { maxRequestsPerConnection });
    for (const target of ['/a', '/b', '/c', '/d']) t.equal(await ask({ target }), target);
    t.equal(sockets.length, 4 / maxRequestsPerConnection);
    t.same(
      heads.map((head) => head.includes('\r\nconnection: close\r\n')),
      heads.map((_, index) => (index + 1) % maxRequestsPerConnection === 0),
      'only the last of a connection says so',
    );
  }
});

void test('no more connections than allowed: who finds none waits, in order', async (t) => {
  const waiting: (() => void)[] = [];
  const answer = (socket: Socket, request: string) =>
    void waiting.push(() => socket.write(ok(request.split(' ')[1] ?? '')));
  const { ask, requests, sockets } = await stage(t, answer, { maxConnections: 1 });
  const answers = ['/a', '/b', '/c'].map((target) => ask({ target }));
  for (const answered of answers) {
    while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
    waiting.shift()?.();
    await answered;
  }
  t.same(await Promise.all(answers), ['/a', '/b', '/c']);
  t.same(requests, ['GET /a HTTP/1.1', 'GET /b HTTP/1.1', 'GET /c HTTP/1.1']);
  t.equal(sockets.length, 1);
});

void test('a connection that ends as the request arrives: the request fails, and is not sent again', async (t) => {
  let count = 0;
  const { ask, requests } = await stage(t, (socket) => {
    count += 1;
    if (count === 2) socket.resetAndDestroy();
    else socket.write(ok('fine'));
  });
  t.equal(await ask({ target: '/first' }), 'fine');
  t.equal(await ask({ target: '/lost' }), 'upstream-reset');
  t.equal(await ask({ target: '/third' }), 'fine', 'the next has a connection of its own');
  t.equal(requests.filter((line) => line.includes('/lost')).length, 1);
});

void test('a connection that the workload has ended is not used', async (t) => {
  const { ask, sockets } = await stage(t, (socket) => socket.end(ok('bye')));
  for (let round = 0; round < 5; round += 1) {
    t.equal(await ask(), 'bye');
    await once(sockets[round] as Socket, 'close');
  }
  t.equal(sockets.length, 5);
});

void test('what comes behind an answer ends its connection and is no answer', async (t) => {
  for (const behind of [ok('PUSHED'), 'x', '\r\n', 'HTTP/1.1 103 Early Hints\r\n\r\n']) {
    const { ask, sockets } = await stage(t, (socket, request) =>
      socket.write(request.includes('/first') ? ok('first') + behind : ok('own')),
    );
    t.equal(await ask({ target: '/first' }), 'first');
    t.equal(await ask({ target: '/next' }), 'own', JSON.stringify(behind));
    t.equal(sockets.length, 2);
  }
});

void test('an answer before the request is whole ends the connection behind it', async (t) => {
  const { ask, sockets } = await stage(t, (socket) => socket.write(ok('early')));
  const { body, started, to } = sending(1000);
  const answer = ask({ method: 'POST', body });
  await started;
  to()?.chunk(Buffer.from('only this'));
  t.equal(await answer, 'early');
  await once(sockets[0] as Socket, 'close');
  t.equal(await ask(), 'early');
  t.equal(sockets.length, 2);
});

void test('a client that leaves inside its body takes the connection along', async (t) => {
  const { start, sockets } = await stage(t, () => undefined);
  const { body, started, to } = sending();
  const { settled } = start({ method: 'POST', body });
  await started;
  to()?.chunk(Buffer.from('part'));
  to()?.failed(deny('client-aborted'));
  t.match(await settled, { code: 'client-aborted' });
  while (sockets.length === 0 || sockets[0]?.closed === false) await new Promise((resolve) => setImmediate(resolve));
  t.pass('the workload sees the end of a request that is not whole');
});

void test('an answer of tiny chunks is handed on by reads, not by chunks', async (t) => {
  const head = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
  const { start } = await stage(t, (socket) => socket.write(`${head}${'2\r\nab\r\n'.repeat(50_000)}0\r\n\r\n`));
  const goesTo = async (lends: boolean) => {
    const outcome = await start().settled;
    if (isDenial(outcome) || Buffer.isBuffer(outcome.body)) throw new Error('not a response that streams');
    const { body } = outcome;
    const pieces: number[] = [];
    const chunk = ({ length }: Buffer) => void pieces.push(length);
    const lent = (piece: Buffer, done: () => void) => {
      chunk(piece);
      done();
    };
    await new Promise<void>((resolve, reject) => {
      body.consume({ chunk, ...(lends ? { lent } : {}), end: resolve, failed: reject });
    });
    t.equal(
      pieces.reduce((sum, length) => sum + length, 0),
      100_000,
    );
    t.ok(pieces.length < 1000, `${pieces.length} pieces of 50000 chunks`);
  };
  await goesTo(false);
  await goesTo(true);
});

void test('each wait has its limit', async (t) => {
  const silent = await stage(t, () => undefined, { headersTimeoutMs: 60 });
  t.equal(await silent.ask(), 'upstream-timeout', 'for the head');
  const stops = await stage(t, (socket) => socket.write(`${ok('').replace(': 0', ': 9')}part`), { bodyTimeoutMs: 60 });
  t.equal(await stops.ask(), 'part|upstream-timeout', 'for more of the body');
  const route = await stage(t, () => undefined);
  t.equal(await route.ask({}, 60), 'upstream-timeout', 'for all of it');
  const full = await stage(t, () => undefined, { maxConnections: 1 });
  const first = full.start();
  t.equal(await full.ask({}, 60), 'upstream-timeout', 'also for a connection');
  first.cancel(deny('client-aborted'));
  t.equal(full.requests.length, 1, 'of the second the workload has not heard');
});

void test('what trickles is not on time because it moves', async (t) => {
  const trickle = (socket: Socket, text: string) => {
    const timer = setInterval(() => socket.write(text), 10);
    socket.once('close', () => clearInterval(timer));
  };
  const begin = (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx: ');
    trickle(socket, 'a');
  };
  const head = await stage(t, begin, { headersTimeoutMs: 60 });
  t.equal(await head.ask(), 'upstream-timeout', 'a head');
  const body = await stage(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
    trickle(socket, '1\r\na\r\n');
  });
  t.match(await body.ask({}, 60), /^a+\|upstream-timeout$/, 'a body, for longer than the time of its route');
});

void test('a workload that stops taking a request is late', async (t) => {
  const deaf = await stage(t, (socket) => socket.pause(), { headersTimeoutMs: 60 });
  const { body, started, to } = sending();
  const answer = deaf.ask({ method: 'POST', body: { ...body, maxBytes: Number.POSITIVE_INFINITY } });
  await started;
  // More than the two buffers of the system hold.
  for (let sent = 0; sent < 32; sent += 1) to()?.chunk(Buffer.alloc(1 << 20));
  t.equal(await answer, 'upstream-timeout');
});

void test('an answer that comes too late is nobody’s', async (t) => {
  const { ask, sockets } = await stage(
    t,
    (socket, request) => void (request.startsWith('GET /next') && socket.write(ok('its own'))),
    { headersTimeoutMs: 60, maxConnections: 1 },
  );
  t.equal(await ask({ target: '/late' }), 'upstream-timeout');
  sockets[0]?.write(ok('late'));
  t.equal(await ask({ target: '/next' }), 'its own');
  t.equal(sockets.length, 2, 'on a connection of its own');
});

void test('a workload that is not there: each request learns so, and none is called sent', async (t) => {
  const { start } = await stage(t, () => undefined, { address: { kind: 'unix', path: '/nowhere/w.sock' } });
  const asked = [start(), start(), start()];
  for (const { settled, events } of asked) {
    t.match(await settled, { code: 'upstream-unreachable', detail: /ENOENT/ });
    t.same(events, []);
  }
});

void test('a body comes as fast as it is taken, whole and in order', async (t) => {
  const large = Buffer.alloc(3 << 20, 'abcdefgh').toString('latin1');
  const { start } = await stage(t, (socket) => socket.write(ok(large)), { maxResponseBytes: 4 << 20 });
  const outcome = await start().settled;
  if (isDenial(outcome) || Buffer.isBuffer(outcome.body)) throw new Error('not a body that is still arriving');
  const { body } = outcome;
  let text = '';
  await new Promise<void>((resolve) =>
    body.consume({
      chunk: (data) => {
        text += data.toString('latin1');
        body.pause();
        setImmediate(() => body.resume());
      },
      end: resolve,
      failed: () => resolve(),
    }),
  );
  t.ok(text === large);
});
