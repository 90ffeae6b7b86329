import { type Test, test } from 'tap';
import {
  askHttp2,
  connectHttp2,
  headFrames,
  type Http2Client,
  type Http2Options,
  requestFields,
  startHttp2Proxy,
} from '../harness/http2.ts';
import { fieldBlock } from '../harness/http2-blocks.ts';
import { frame, prefaceText, settings } from '../harness/http2-frames.ts';
import { untilQuiet } from '../harness/process.ts';
import type { TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Far from a loaded machine's delays on one side, and from the defaults of 5 to 60 s on the other. */
const limits = { handshake: '1s', head: '1s', body_idle: '1s', body: '3s', keep_alive: '1s', write_idle: '1s' };
const longestMs = 15_000;
const megabytes = 16;

const open = (path: string, more: Parameters<typeof requestFields>[2] = []) =>
  Buffer.concat(headFrames(1, fieldBlock(requestFields('POST', path, more)), false));
const get = (path: string) => Buffer.concat(headFrames(1, fieldBlock(requestFields('GET', path)), true));
const halfBlock = fieldBlock([[':method', 'GET']]);
const ping = frame('PING', [], 0, Buffer.alloc(8));

type SlowClient = {
  readonly name: string;
  readonly options?: Http2Options;
  /** What it says before it becomes slow. */
  readonly begin: Buffer;
  /** What it goes on sending, ten times a second at most. */
  readonly trickle?: Buffer;
  readonly halfClose?: true;
  /** Does not even read what TCP brings. */
  readonly deaf?: true;
  /** What it is told: an answer or a reset of its stream, or nothing of that. */
  readonly stream?: { readonly status?: number; readonly reset?: string };
  /** `NO_ERROR` where nothing was wrong but the time; undefined where the connection is cut without a word. */
  readonly goaway?: 'NO_ERROR' | 'ENHANCE_YOUR_CALM';
  /** Of the one record of its request; undefined where it asked nothing. */
  readonly reason?: string | undefined;
};

const clients: readonly SlowClient[] = [
  {
    name: 'says nothing after its handshake',
    options: { opening: 'nothing' },
    begin: Buffer.alloc(0),
    goaway: 'NO_ERROR',
  },
  {
    name: 'stops inside the preface',
    options: { opening: 'nothing' },
    begin: prefaceText.subarray(0, 10),
    goaway: 'ENHANCE_YOUR_CALM',
  },
  { name: 'asks nothing', begin: Buffer.alloc(0), goaway: 'NO_ERROR' },
  { name: 'asks nothing and sends pings', begin: ping, trickle: ping, goaway: 'NO_ERROR' },
  { name: 'stops inside the head of a frame', begin: ping.subarray(0, 5), goaway: 'ENHANCE_YOUR_CALM' },
  { name: 'stops inside the payload of a frame', begin: ping.subarray(0, 12), goaway: 'ENHANCE_YOUR_CALM' },
  {
    name: 'trickles a frame',
    begin: frame('DATA', [], 0, Buffer.alloc(0), 16_384),
    trickle: Buffer.alloc(1),
    goaway: 'ENHANCE_YOUR_CALM',
  },
  {
    name: 'leaves a block of fields open',
    begin: frame('HEADERS', ['END_STREAM'], 1, halfBlock),
    goaway: 'ENHANCE_YOUR_CALM',
  },
  {
    name: 'trickles a block of fields',
    begin: frame('HEADERS', ['END_STREAM'], 1, halfBlock),
    trickle: frame('CONTINUATION', [], 1),
    goaway: 'ENHANCE_YOUR_CALM',
  },
  {
    name: 'stops inside a body',
    begin: Buffer.concat([open('/body-stop', [['content-length', '100']]), frame('DATA', [], 1, Buffer.from('abc'))]),
    stream: { status: 408, reset: 'NO_ERROR' },
    goaway: 'NO_ERROR',
    reason: 'request-timeout',
  },
  {
    name: 'stops before a body',
    begin: open('/body-none'),
    stream: { status: 408, reset: 'NO_ERROR' },
    goaway: 'NO_ERROR',
    reason: 'request-timeout',
  },
  {
    name: 'trickles a body, never idle for long',
    begin: open('/body-trickle'),
    trickle: frame('DATA', [], 1, Buffer.from('a')),
    stream: { status: 408, reset: 'NO_ERROR' },
    goaway: 'NO_ERROR',
    reason: 'request-timeout',
  },
  {
    name: 'stops inside a body that is validated',
    begin: Buffer.concat([
      open('/strict', [['content-type', 'application/json']]),
      frame('DATA', [], 1, Buffer.from('{')),
    ]),
    stream: { status: 408, reset: 'NO_ERROR' },
    goaway: 'NO_ERROR',
    reason: 'request-timeout',
  },
  {
    name: 'does not open the window of its answer',
    options: { opensWindows: false },
    begin: get('/large-shut'),
    stream: { status: 200, reset: 'CANCEL' },
    goaway: 'NO_ERROR',
    reason: 'client-aborted',
  },
  {
    name: 'offers no window at all',
    options: { opensWindows: false, opening: settings({ INITIAL_WINDOW_SIZE: 0 }) },
    begin: get('/small-shut'),
    stream: { status: 200, reset: 'CANCEL' },
    goaway: 'NO_ERROR',
    // It was small enough to be recorded as given to the connection, as over HTTP/1.1.
    reason: undefined,
  },
  { name: 'does not read its answer', begin: get('/large-unread'), deaf: true, reason: 'client-aborted' },
  {
    name: 'closes its half inside a body',
    begin: Buffer.concat([open('/half-body'), frame('DATA', [], 1, Buffer.from('abc'))]),
    halfClose: true,
    stream: { reset: 'INTERNAL_ERROR' },
    reason: 'client-aborted',
  },
  { name: 'closes its half inside a frame', begin: ping.subarray(0, 12), halfClose: true },
];

void test('a slow client is cut within its limit', { timeout: 60_000 }, async (t) => {
  const workload = await startWorkload(({ url = '' }, _, response) => {
    response.end(url.startsWith('/large') ? Buffer.alloc(megabytes << 20) : 'fine');
  });
  t.teardown(workload.close);
  const proxy = await startHttp2Proxy(t, {
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
  const began = performance.now();
  const slow = await Promise.all(clients.map(async (peer) => ({ peer, client: await begin(t, proxy, peer) })));
  const meanwhile = await connectHttp2(proxy.port, proxy.client);
  t.match(
    await askHttp2(meanwhile, requestFields('GET', '/meanwhile')),
    { status: 200 },
    'others are served meanwhile',
  );
  for (const { peer, client } of slow) {
    if (peer.deaf === true) continue;
    await client.untilClosed();
    const { status, reset } = client.answer(1);
    t.match({ status, reset }, { status: peer.stream?.status, reset: peer.stream?.reset }, `${peer.name}: its stream`);
    const last = client.goAways().at(-1)?.code;
    t.equal(last, peer.goaway, `${peer.name}: what it is told at the end`);
  }
  await untilQuiet(proxy);
  t.ok(performance.now() - began < longestMs, 'and none of them later');
  checkRecords(t, proxy);
  for (const { client } of slow) client.close();
  t.equal(await proxy.stop(), 0);
});

function checkRecords(t: Test, proxy: TestProxy): void {
  const records = proxy.audit();
  const requests = records.filter(({ object }) => object !== undefined);
  for (const { name, begin: sent, reason } of clients) {
    const target = /\/(?:body|half|large|small|strict)[a-z-]*/.exec(sent.toString('latin1'))?.[0];
    if (target === undefined) continue;
    const mine = requests.filter(({ object }) => (object as { readonly target?: string }).target === target);
    t.same(
      mine.map((record) => record.reason),
      [reason],
      `${name}: one record with its reason`,
    );
  }
  const violations = records.filter(({ reason }) => reason === 'http2-violation');
  const wanted = clients.filter(({ goaway }) => goaway === 'ENHANCE_YOUR_CALM').length;
  t.equal(violations.length, wanted, 'who stopped inside a frame or a block is on record, and nobody else');
}

async function begin(t: Test, proxy: TestProxy, peer: SlowClient): Promise<Http2Client> {
  const client = await connectHttp2(proxy.port, proxy.client, peer.options);
  if (peer.deaf === true) client.socket.pause();
  client.write(peer.begin);
  client.socket.allowHalfOpen = true;
  client.socket.once('end', () => client.socket.end());
  if (peer.halfClose === true) client.socket.end();
  const { trickle } = peer;
  if (trickle !== undefined) {
    const timer = setInterval(() => client.write(trickle), 100);
    t.teardown(() => clearInterval(timer));
  }
  return client;
}
