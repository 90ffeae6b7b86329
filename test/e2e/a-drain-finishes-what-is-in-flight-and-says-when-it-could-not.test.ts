import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { type Test, test } from 'tap';
import { connectRaw, parseAnswer, type RawClient, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { eventually } from '../harness/process.ts';

const upload = randomBytes(8 << 20);
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

type Workload = {
  readonly port: number;
  readonly begun: string[];
  readonly waiting: ServerResponse[];
  readonly server: Server;
};

/** `/wait` is answered when the test says so; an upload is answered with its hash. */
async function startWaitingWorkload(t: Test): Promise<Workload> {
  const waiting: ServerResponse[] = [];
  const begun: string[] = [];
  const server = createServer((request, response) => {
    begun.push(request.url ?? '');
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => {
      if (request.url === '/wait') return void waiting.push(response);
      if (request.url !== '/stream') return void response.end(hash.digest('hex'));
      response.write('begin ');
      waiting.push(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, begun, waiting, server };
}

async function request(proxy: TestProxy, text: string): Promise<RawClient> {
  const client = await connectRaw(proxy.port, proxy.client);
  client.write(text);
  return client;
}

async function exitOf({ child }: TestProxy): Promise<{ readonly code: number | null; readonly ms: number }> {
  const began = performance.now();
  const code = child.exitCode ?? ((await once(child, 'exit')) as [number | null])[0];
  return { code, ms: performance.now() - began };
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  void test(`${signal}: everything in flight finishes, nobody new comes in, and the last record says so`, async (t) => {
    const workload = await startWaitingWorkload(t);
    const proxy = await startProxy(t, {
      workloadPort: workload.port,
      // Idle connections must not be waited for: this long would be over the time of the test.
      config: {
        limits: { keep_alive: '9m', handshake: '50s' },
        drain: '60s',
        routes: [
          { name: 'any', methods: ['GET'], path: '/{rest...}' },
          { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream', max_body: '1GiB' },
        ],
      },
    });
    const answered = await request(proxy, requestText('GET', '/quick'));
    await answered.until((text) => parseAnswer(text) !== undefined);
    const silent = await connectRaw(proxy.port, proxy.client);
    const shaking = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    // One that does not close its own end when the proxy closes.
    const deaf = await connectRaw(proxy.port, proxy.client);
    deaf.socket.allowHalfOpen = true;
    const waiting = await request(proxy, requestText('GET', '/wait'));
    const streaming = await request(proxy, requestText('GET', '/stream'));
    await streaming.until((text) => text.includes('begin'));
    const uploading = await request(
      proxy,
      `POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${upload.length}\r\n\r\n`,
    );
    uploading.write(upload.subarray(0, 4 << 20));
    await eventually(() => workload.waiting.length === 2 && workload.begun.includes('/up'));

    // A habit of other servers, and no reason to drop what is in flight.
    proxy.child.kill('SIGHUP');
    await proxy.untilLog((log) => log.includes('"event":"signal.ignored"'));
    proxy.child.kill(signal);
    answered.write(requestText('GET', '/crossing'));
    const [kept] = await Promise.all([answered.untilClosed(), silent.untilClosed()]);
    t.equal(
      kept.match(/200 OK/g)?.length,
      2,
      'a request that crossed the signal is answered; idle connections are closed',
    );
    const refused = connect(proxy.port, '127.0.0.1');
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    t.equal(error.code, 'ECONNREFUSED', 'nobody new comes in');

    // Its answer began before the signal, and said that another request may follow.
    streaming.write(requestText('GET', '/behind'));
    uploading.write(upload.subarray(4 << 20));
    for (const response of workload.waiting) response.end('end');
    const whole = parseAnswer(await waiting.untilClosed());
    t.equal(whole?.headers.get('connection'), 'close');
    t.equal(whole?.body, 'end');
    const streamed = await streaming.untilClosed();
    t.match(streamed, /begin \r\n3\r\nend\r\n0\r\n\r\nHTTP/, 'a stream that had begun ends whole');
    t.match(
      streamed.split('\r\n0\r\n\r\n')[1],
      /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/,
      'and who asked behind it is answered',
    );
    const hashed = parseAnswer(await uploading.untilClosed());
    t.equal(hashed?.status, 200);
    t.match(hashed?.body, sha256(upload), 'the bytes that came after the signal are in');
    t.equal(hashed?.headers.get('connection'), 'close');

    const { code, ms } = await exitOf(proxy);
    t.equal(code, 0);
    t.ok(ms < 20_000, 'at once, whoever else is still connected');
    deaf.close();
    shaking.destroy();
    const records = proxy.audit();
    t.equal(records.filter(({ type }) => type === 'authz.allow').length, 6);
    for (const stream of ['data-0', 'control']) {
      t.match(records.filter((record) => record.stream === stream).at(-1), { type: 'audit.stop' }, stream);
    }
    t.match(
      records.filter(({ type }) => type === 'proc.stop'),
      [{ detail: signal }],
    );
  });
}

void test('what does not finish within the limit is broken off, on record, and the exit code says so', async (t) => {
  const workload = await startWaitingWorkload(t);
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { drain: '300ms', threads: 1 } });
  const texts = [
    requestText('GET', '/half-head').slice(0, -1),
    requestText('GET', '/wait'),
    requestText('GET', '/stream'),
    requestText('POST', '/up', [], 'whole').slice(0, -1),
  ];
  const clients: RawClient[] = [];
  for (const text of texts) clients.push(await request(proxy, text));
  await eventually(() => workload.waiting.length === 2 && workload.begun.includes('/up'));
  const exit = exitOf(proxy);
  proxy.child.kill('SIGTERM');
  t.equal((await exit).code, 1);
  for (const client of clients) t.notMatch(await client.untilClosed(), /0\r\n\r\n$/, 'never a clean end');
  const cut = proxy.audit().filter((record) => record['object'] !== undefined);
  t.equal(cut.length, texts.length, 'one record each');
  for (const record of cut) {
    t.match(record, { type: 'proxy.abort', reason: 'drain-timeout', aborted: 'proxy' }, 'and it was not the client');
  }
  t.equal(proxy.audit().filter(({ type }) => type === 'proc.stop').length, 1);
});

for (const [second, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  void test(`a second signal, ${second}, does not wait`, async (t) => {
    const workload = await startWaitingWorkload(t);
    const proxy = await startProxy(t, { workloadPort: workload.port, config: { drain: '10m' } });
    const client = await request(proxy, requestText('GET', '/wait'));
    await eventually(() => workload.waiting.length === 1);
    const exit = exitOf(proxy);
    proxy.child.kill('SIGTERM');
    await proxy.untilLog((log) => log.includes('"event":"drain"'));
    proxy.child.kill(second);
    t.equal((await exit).code, code);
    client.close();
  });
}
