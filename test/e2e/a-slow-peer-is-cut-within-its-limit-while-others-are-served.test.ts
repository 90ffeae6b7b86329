import { once } from 'node:events';
import { connect } from 'node:net';
import { type Test, test } from 'tap';
import { connectRaw, exchange, parseAnswer, type RawClient, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { untilQuiet } from '../harness/process.ts';
import { startWorkload } from '../harness/workload.ts';

/** Far from a loaded machine's delays on one side, and from the defaults of 5 to 60 s on the other. */
const limits = { handshake: '1s', head: '1s', body_idle: '1s', body: '3s', keep_alive: '1s', write_idle: '1s' };
const megabytes = 64;

type SlowPeer = {
  readonly name: string;
  /** What it does before it becomes slow. */
  readonly begin: string;
  /** What it goes on sending, a byte now and then. */
  readonly trickle?: string;
  readonly halfClose?: true;
  readonly unread?: true;
  readonly status?: number;
  /** The reason on record; undefined where there was no request to make a record of. */
  readonly reason?: string;
};

/** THREATS 1.7: Envoy's edge settings close 2 of these within 20 s, plain Node none. */
const peers: readonly SlowPeer[] = [
  { name: 'says nothing after its handshake', begin: '' },
  {
    name: 'stops inside a head',
    begin: 'GET /head-stop HTTP/1.1\r\nHost: loc',
    status: 408,
    reason: 'request-timeout',
  },
  {
    name: 'trickles a head',
    begin: 'GET /head-trickle HTTP/1.1\r\nHost: localhost\r\nX-A: ',
    trickle: 'a',
    status: 408,
    reason: 'request-timeout',
  },
  {
    name: 'stops inside a body',
    begin: `POST /body-stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc`,
    status: 408,
    reason: 'request-timeout',
  },
  {
    name: 'stops inside a chunk',
    begin: 'POST /chunk-stop HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc',
    status: 408,
    reason: 'request-timeout',
  },
  {
    name: 'trickles a body, never idle for long',
    begin: `POST /body-trickle HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n`,
    trickle: 'a',
    status: 408,
    reason: 'request-timeout',
  },
  {
    name: 'stops inside a body that is validated',
    begin: `POST /strict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`,
    status: 408,
    reason: 'request-timeout',
  },
  { name: 'does not read its response', begin: requestText('GET', '/large'), unread: true, reason: 'client-aborted' },
  { name: 'closes its half inside a head', begin: 'GET /half-head HTT', halfClose: true, reason: 'client-aborted' },
  {
    name: 'closes its half inside a body',
    begin: `POST /half-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc`,
    halfClose: true,
    reason: 'client-aborted',
  },
];

void test('a slow peer is cut within its limit', async (t) => {
  const workload = await startWorkload(({ url }, _, response) => {
    response.end(url === '/large' ? Buffer.alloc(megabytes << 20) : 'fine');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      limits,
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream' },
        { name: 'strict', methods: ['POST'], path: '/strict', body: { 'application/json': './any.json' } },
      ],
      workload: { address: `127.0.0.1:${workload.port}`, max_response: '1GiB' },
    },
    files: { 'any.json': '{"type":"object","additionalProperties":false}' },
  });
  const silent = silentConnections(proxy);
  const slow = await Promise.all(peers.map(async (peer) => ({ peer, client: await begin(t, proxy, peer) })));

  const meanwhile = await exchange(proxy.port, proxy.client, requestText('GET', '/meanwhile'));
  t.equal(meanwhile.answer?.status, 200, 'others are served meanwhile');
  meanwhile.client.close();

  for (const { peer, client } of slow) {
    // An unread response leaves its connection only when somebody reads: the socket is gone on the other side.
    if (peer.unread === true) continue;
    const text = await client.untilClosed();
    t.equal(parseAnswer(text)?.status, peer.status, `${peer.name}: the answer`);
    if (peer.status === 408) t.match(text, /connection: close\r\n/, `${peer.name}: and the connection ends`);
  }
  await silent;
  await untilQuiet(proxy);
  for (const { peer } of slow.filter(({ peer: { reason } }) => reason !== undefined)) {
    const target = / (\/[a-z-]+)/.exec(peer.begin)?.[1];
    const mine = proxy.audit().filter((record) => (record['object'] as { target?: string })?.target === target);
    // A head that never was one has no target; those records are counted below.
    if (peer.begin.includes('head')) continue;
    t.match(mine, [{ reason: peer.reason }], `${peer.name}: one record with its reason`);
    t.equal(mine.length, 1);
  }
  const nameless = proxy.audit().filter((record) => record['route'] === undefined && record['bytes_in'] !== undefined);
  t.equal(nameless.filter(({ reason }) => reason === 'client-aborted').length, 1);
  t.equal(nameless.filter(({ reason }) => reason === 'request-timeout').length, 2);
  t.equal(nameless.length, 3);
  const refused = (why: string) => proxy.audit().filter(({ type, reason }) => type === 'tls.reject' && reason === why);
  t.equal(refused('handshake-timeout').length, strangers.silent + strangers.stopped);
  t.equal(refused('protocol').length, strangers.garbage);
  t.equal(workload.hits(), 2, 'of all these requests only the whole ones arrived whole');
  for (const { client } of slow) client.close();
  t.equal(await proxy.stop(), 0);
});

async function begin(t: Test, proxy: TestProxy, peer: SlowPeer): Promise<RawClient> {
  const client = await connectRaw(proxy.port, proxy.client);
  client.socket.allowHalfOpen = true;
  if (peer.begin !== '') client.write(peer.begin);
  if (peer.unread === true) {
    await client.until((text) => text.length > 0);
    client.socket.pause();
  }
  if (peer.halfClose === true) client.socket.end();
  client.socket.once('end', () => client.socket.end());
  const { trickle } = peer;
  if (trickle !== undefined) {
    const timer = setInterval(() => client.socket.writable && client.write(trickle), 100);
    t.teardown(() => clearInterval(timer));
  }
  return client;
}

/** Who never begins a handshake, who never ends it, and who sends what is none. */
const strangers = { silent: 20, stopped: 20, garbage: 20 };

function silentConnections({ port }: TestProxy): Promise<unknown> {
  const hello = Buffer.from('16030100ff010000fb0303', 'hex');
  const each = (count: number, bytes: Buffer) => Array<Buffer>(count).fill(bytes);
  const all = [
    ...each(strangers.silent, Buffer.alloc(0)),
    ...each(strangers.stopped, hello),
    ...each(strangers.garbage, Buffer.alloc(4096, 0xa5)),
  ];
  return Promise.all(
    all.map(async (bytes) => {
      const socket = connect(port, '127.0.0.1');
      if (bytes.length > 0) socket.write(bytes);
      socket.on('error', () => undefined).resume();
      await once(socket, 'close');
    }),
  );
}
