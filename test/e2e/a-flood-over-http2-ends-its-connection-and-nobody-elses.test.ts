import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Test, test } from 'tap';
import {
  askHttp2,
  connectHttp2,
  headFrames,
  type Http2Client,
  requestFields,
  startHttp2Proxy,
} from '../harness/http2.ts';
import { fieldBlock, indexed, indexedLiteral } from '../harness/http2-blocks.ts';
import { frame, resetStream, settings, windowUpdate } from '../harness/http2-frames.ts';
import { threadRecords, untilRecords } from '../harness/new-records.ts';
import { eventually, residentBytes, untilQuiet } from '../harness/process.ts';
import type { AuditRecord, TestProxy } from '../harness/proxy.ts';

/** What each flood may cost before it is ended: 200 at once and 50 a second, of a test that takes less than two. */
const patience = 300;
const get = fieldBlock(requestFields('GET', '/flood'));
const post = fieldBlock(requestFields('POST', '/flood'));
const short = fieldBlock(requestFields('POST', '/flood', [['content-length', '1']]));
const malformed = fieldBlock(requestFields('GET', '/flood', [['X-Note', 'a']]));
const asked = (stream: number) => headFrames(stream, get, true);
const opened = (stream: number) => headFrames(stream, post, false);

function streams(count: number, each: (stream: number) => readonly Buffer[]): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => each(2 * index + 1)).flat());
}
const times = (count: number, bytes: Buffer): Buffer => Buffer.concat(Array<Buffer>(count).fill(bytes));

type Flood = {
  readonly name: string;
  readonly bytes: () => Buffer;
  /** Requests that it may begin before it is ended. */
  readonly requests: number;
};

const floods: readonly Flood[] = [
  {
    name: 'rapid reset, CVE-2023-44487',
    bytes: () => streams(100_000, (stream) => [...asked(stream), resetStream(stream)]),
    requests: patience,
  },
  {
    name: 'rapid reset of uploads',
    bytes: () =>
      streams(20_000, (stream) => [...opened(stream), frame('DATA', [], stream, Buffer.alloc(1)), resetStream(stream)]),
    requests: patience,
  },
  {
    name: 'made to reset by a window that grows by nothing, CVE-2025-8671',
    bytes: () => streams(20_000, (stream) => [...opened(stream), windowUpdate(stream, 0)]),
    requests: patience,
  },
  {
    name: 'made to reset by a window that grows too large, CVE-2025-8671',
    bytes: () => streams(20_000, (stream) => [...opened(stream), windowUpdate(stream, 0x7fff_ffff)]),
    requests: patience,
  },
  {
    name: 'made to reset by DATA behind the end, CVE-2025-8671',
    bytes: () =>
      streams(20_000, (stream) => [...asked(stream), frame('DATA', ['END_STREAM'], stream, Buffer.alloc(1))]),
    requests: patience,
  },
  {
    name: 'made to reset by trailers that end nothing, CVE-2025-8671',
    bytes: () =>
      streams(20_000, (stream) => [...opened(stream), ...headFrames(stream, fieldBlock([['x-a', 'b']]), false)]),
    requests: patience,
  },
  {
    name: 'made to reset by more than its length, CVE-2025-8671',
    bytes: () =>
      streams(20_000, (stream) => [...headFrames(stream, short, false), frame('DATA', [], stream, Buffer.alloc(2))]),
    requests: patience,
  },
  {
    name: 'heads that are none',
    bytes: () => streams(20_000, (stream) => headFrames(stream, malformed, true)),
    requests: patience,
  },
  {
    name: 'more streams than there may be',
    bytes: () => streams(20_000, opened),
    requests: 100 + patience,
  },
  { name: 'SETTINGS, CVE-2019-9515', bytes: () => times(20_000, settings()), requests: 0 },
  { name: 'PING, CVE-2019-9512', bytes: () => times(20_000, frame('PING', [], 0, Buffer.alloc(8))), requests: 0 },
  {
    name: 'PRIORITY, CVE-2019-9513',
    bytes: () => times(20_000, frame('PRIORITY', [], 1, Buffer.from('0000000310', 'hex'))),
    requests: 0,
  },
  { name: 'frames of no known type', bytes: () => times(20_000, frame(99, [], 0, Buffer.alloc(1))), requests: 0 },
  {
    name: 'DATA without content, CVE-2019-9518',
    bytes: () => Buffer.concat([...opened(1), times(20_000, frame('DATA', [], 1))]),
    requests: 1,
  },
  {
    name: 'CONTINUATION without end, CVE-2024-27983',
    bytes: () =>
      Buffer.concat([frame('HEADERS', ['END_STREAM'], 1, get), times(20_000, frame('CONTINUATION', [], 1, get))]),
    requests: 1,
  },
  {
    name: 'CONTINUATION without content, CVE-2019-9516',
    bytes: () => Buffer.concat([frame('HEADERS', ['END_STREAM'], 1, get), times(20_000, frame('CONTINUATION', [], 1))]),
    requests: 1,
  },
];

const ended = 'portcullis_connections_ended_total{reason="http2-violation"}';

type World = {
  readonly proxy: TestProxy;
  readonly other: Http2Client;
  readonly records: () => readonly AuditRecord[];
};

void test('floods', { timeout: 180_000 }, async (t) => {
  const waiting: ServerResponse[] = [];
  const server = createServer((request, response) => {
    request.resume().on('error', () => undefined);
    if (request.url === '/wait') waiting.push(response);
    else if (request.url === '/other') response.end('served');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy = await startHttp2Proxy(t, {
    workloadPort: (server.address() as AddressInfo).port,
    config: { limits: { keep_alive: '5m', head: '1m' } },
  });
  const other = await connectHttp2(proxy.port, proxy.client);
  t.equal((await askHttp2(other, requestFields('GET', '/other'))).status, 200);
  const world = { proxy, other, records: threadRecords(proxy.folder) };
  await untilRecords(world.records, 1);
  const before = residentBytes(proxy);
  for (const flood of floods) await t.test(flood.name, (group) => endure(group, world, flood));
  await t.test('credit that nobody needs', (group) => harmless(group, world));
  await t.test('a field that is said once and meant a hundred thousand times', (group) => bomb(group, world));
  await t.test('streams beyond the cap are refused, those below it are served', (group) => cap(group, world, waiting));
  t.ok(residentBytes(proxy) - before < 192 << 20, 'memory is bounded');
  other.close();
  await untilQuiet(proxy);
  t.equal(await proxy.stop(), 0, 'and the process lives');
});

async function endure(t: Test, { proxy, other, records }: World, { bytes, requests }: Flood): Promise<void> {
  const countBefore = await requestCount(proxy);
  const endedBefore = await proxy.metric(ended);
  const client = await connectHttp2(proxy.port, proxy.client);
  client.write(bytes());
  t.match(await askHttp2(other, requestFields('GET', '/other')), { status: 200, body: 'served' }, 'others meanwhile');
  await client.untilClosed();
  // A client that goes on writing may find the connection reset before it has read why.
  const codes = client.goAways().map(({ code }) => code);
  t.ok(codes.length === 0 || codes.join() === 'ENHANCE_YOUR_CALM', `the client is told: ${codes.join()}`);
  await eventually(async () => (await proxy.metric(ended)) > endedBefore);
  t.equal(await proxy.metric(ended), endedBefore + 1);
  await eventually(async () => (await proxy.metric('portcullis_in_flight_requests')) === 0);
  const all = await untilRecords(records, 2);
  const ends = all.filter(({ type }) => type === 'tls.end');
  t.match(ends, [{ reason: 'http2-violation', detail: /ENHANCE_YOUR_CALM/, outcome: 'deny' }], 'one record says why');
  t.equal(ends.length, 1);
  // Of a head that never was one the record names no target.
  const begun = all.filter(({ object }) => object !== undefined);
  const ofFlood = begun.filter(({ object }) => (object as { readonly target?: string }).target !== '/other');
  t.ok(ofFlood.length <= requests, `${ofFlood.length} requests were begun, ${requests} may be`);
  t.equal(
    await requestCount(proxy),
    countBefore + ofFlood.length + 1,
    'each is counted and on record, and so is the other',
  );
  for (const record of ofFlood)
    t.match(record.reason, /^(client-aborted|stream-refused|ambiguous-framing|malformed-header)$/);
  t.match(await askHttp2(other, requestFields('GET', '/other')), { status: 200 }, 'others afterwards');
  await untilRecords(records, 1);
}

/** An honest client sends credit for what it has read while the end of the stream is on its way to it. It costs nothing, and does nothing. */
async function harmless(t: Test, { proxy, other, records }: World): Promise<void> {
  const client = await connectHttp2(proxy.port, proxy.client);
  t.equal((await askHttp2(client, requestFields('GET', '/other'))).status, 200);
  for (const needless of [windowUpdate(1, 1), windowUpdate(0, 1)]) {
    client.write(times(20_000, needless));
    t.equal((await askHttp2(other, requestFields('GET', '/other'))).status, 200, 'others meanwhile');
    t.equal((await askHttp2(client, requestFields('GET', '/other'))).status, 200, 'and itself');
  }
  client.close();
  t.same(
    (await untilRecords(records, 5)).map(({ reason }) => reason),
    Array(5).fill(undefined),
  );
}

async function requestCount({ admin }: TestProxy): Promise<number> {
  const { body } = await admin('/metrics');
  const lines = body.split('\n').filter((line) => line.startsWith('portcullis_requests_total{'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** CVE-2016-6581: a block of 16 kB that means 60 MB. Decoded no further than a head may be, it costs what its bytes cost. */
async function bomb(t: Test, { proxy, other, records }: World): Promise<void> {
  const client = await connectHttp2(proxy.port, proxy.client);
  const entry = indexedLiteral(['x-bomb', 'b'.repeat(3900)]);
  const before = residentBytes(proxy);
  const requests = 50;
  for (let number = 0; number < requests; number += 1) {
    const references = times(16_000 - (number === 0 ? entry.length : 0), indexed(62));
    const block = Buffer.concat([get, ...(number === 0 ? [entry] : []), references]).subarray(0, 16_384);
    client.write(frame('HEADERS', ['END_HEADERS', 'END_STREAM'], 2 * number + 1, block));
  }
  t.match(await askHttp2(other, requestFields('GET', '/other')), { status: 200 }, 'others meanwhile');
  for (let number = 0; number < requests; number += 1) {
    t.match(await client.untilAnswered(2 * number + 1), { status: 431, ended: true });
  }
  t.ok(residentBytes(proxy) - before < 64 << 20, 'a gigabyte is not what it takes');
  const last = 2 * requests + 1;
  const table = Buffer.concat([fieldBlock(requestFields('GET', '/other')), indexed(62)]);
  client.write(frame('HEADERS', ['END_HEADERS', 'END_STREAM'], last, table));
  t.match(await client.untilAnswered(last), { status: 200 }, 'the table is in step all the same');
  client.close();
  const reasons = (await untilRecords(records, requests + 2)).map(({ reason }) => reason);
  t.equal(reasons.filter((reason) => reason === 'head-too-large').length, requests, 'and each is on record');
}

async function cap(t: Test, { proxy, records }: World, waiting: readonly ServerResponse[]): Promise<void> {
  const client = await connectHttp2(proxy.port, proxy.client);
  const held = Array.from({ length: 100 }, () => client.ask(requestFields('GET', '/wait')));
  const refused = client.ask(requestFields('GET', '/wait'));
  t.match(await client.untilAnswered(refused), { status: undefined, reset: 'REFUSED_STREAM' });
  await eventually(() => waiting.length === 100);
  const first = (await untilRecords(records, 1)).filter((record) => 'object' in record);
  t.match(first, [{ reason: 'stream-refused', status: undefined, object: { target: '/wait' } }], 'of no answer');
  for (const response of waiting) response.end('at last');
  for (const stream of held) t.match(await client.untilAnswered(stream), { status: 200, body: 'at last' });
  t.match(await askHttp2(client, requestFields('GET', '/other')), { status: 200 }, 'then there is room again');
  t.same([first.length, ...client.goAways()], [1]);
  client.close();
  const rest = await untilRecords(records, 101);
  t.equal(rest.filter(({ reason }) => reason !== undefined).length, 0);
}
