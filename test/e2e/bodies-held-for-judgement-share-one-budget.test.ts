import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { eventually, residentBytes } from '../harness/process.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const budgetBytes = 1024 * 1024;
/** Below one TLS record, so that each is held as a whole or not at all. */
const pieceBytes = 15_000;
const fit = Math.floor(budgetBytes / pieceBytes);
const tooMany = 6;

const judged = (bytes: number) =>
  requestText('POST', '/judged', ['Content-Type: application/json'], JSON.stringify('x'.repeat(bytes - 2)));

void test('many bodies that never end take what limits.max_held gives them, and no more', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 1,
      routes: [{ name: 'judged', methods: ['POST'], path: '/judged', body: { 'application/json': './text.json' } }],
      limits: {
        max_held: '1MiB',
        max_in_flight_per_identity: 1000,
        max_connections_per_identity: 1000,
        body_idle: '10m',
        body: '1h',
      },
    },
    files: { 'text.json': '{"type":"string"}' },
  });
  const endless = await Promise.all(
    Array.from({ length: fit + tooMany }, async () => {
      const client = await connectRaw(proxy.port, proxy.client);
      client.write(judged(pieceBytes + 1).slice(0, -1));
      return client;
    }),
  );
  const answered = () => endless.filter((client) => parseAnswer(client.text()) !== undefined);
  await eventually(() => answered().length >= tooMany);
  for (const client of answered()) {
    t.match(parseAnswer(client.text()), { status: 503, body: /"code":"overloaded"/ });
  }
  t.equal(answered().length, tooMany, 'all that fit are held');

  const small = await exchange(proxy.port, proxy.client, judged(1000));
  t.equal(small.answer?.status, 200, 'the rest of the budget is still there for who needs no more');
  const large = await exchange(proxy.port, proxy.client, judged(pieceBytes));
  t.equal(large.answer?.status, 503);
  t.equal(workload.hits(), 1, 'the workload heard of the one that was judged');
  const refusals = proxy.audit().filter(({ reason }) => reason === 'overloaded');
  t.equal(refusals.length, tooMany + 1);
  t.match(refusals[0], { type: 'limit.reject', detail: 'no room to hold one more body', route: 'judged' });
  const metric = 'portcullis_requests_total{route="judged",outcome="denied",code="overloaded"}';
  t.equal(await proxy.metric(metric), tooMany + 1);

  for (const client of endless) client.close();
  await eventually(() => proxy.audit().filter(({ reason }) => reason === 'client-aborted').length === fit);
  const whole = await exchange(proxy.port, proxy.client, judged(budgetBytes));
  t.equal(whole.answer?.status, 200, 'all of it is given back');
  t.equal(workload.hits(), 2);
  for (const { client } of [small, large, whole]) client.close();
  t.equal(await proxy.stop(), 0);
});

const numbers = `[${'1e-5,'.repeat(10_000)}0]`;

/** Each takes 6 ms of a processor, and all of them longer than a thread may stand still. */
const atOnce = 130;

void test('bodies that become whole in one turn of the event loop are work, and no thread that is stuck', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const body = { 'application/json': './numbers.json' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 1,
      routes: [
        { name: 'judged', methods: ['POST'], path: '/judged', body },
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
      ],
      limits: { stall: '600ms', body_idle: '10m', body: '1h', keep_alive: '10m' },
    },
    files: { 'numbers.json': '{"type":"array","items":{"type":"number"}}' },
  });
  const text = Buffer.from(requestText('POST', '/judged', ['Content-Type: application/json'], numbers), 'latin1');
  // The first is judged by code that is not compiled yet.
  const first = await exchange(proxy.port, proxy.client, text.toString('latin1'));
  t.equal(first.answer?.status, 200);
  const clients = await Promise.all(Array.from({ length: atOnce }, () => connectRaw(proxy.port, proxy.client)));
  const allButOne = (client: (typeof clients)[number]) =>
    new Promise((sent) => client.socket.write(text.subarray(0, -1), sent));
  await Promise.all(clients.map(allButOne));
  // In each turn the proxy reads 64 KiB of what has come on each connection: after these it has read all.
  const other = await keepConnection(proxy.port, proxy.client);
  for (let turn = 0; turn < 5; turn += 1) await other.ask('/other');
  for (const client of clients) client.write(text.subarray(-1));
  const answered = clients.map((client) =>
    client.until((all) => parseAnswer(all) !== undefined).catch(() => client.text()),
  );
  for (const answer of await Promise.all(answered)) t.equal(parseAnswer(answer)?.status, 200);
  for (const { close } of [...clients, first.client, other.client]) close();
  t.equal(await proxy.stop(), 0);
  t.same(
    proxy.audit().filter(({ type }) => type === 'thread.replaced'),
    [],
  );
});

const objects = `[${'{},'.repeat(349_000)}{}]`;
/** What a body becomes when it is read: far more than its bytes, which are what is counted. */
const valueBytes = 24 * 1024 ** 2;
const waiting = 12;

void test('while the workload takes its time, of a judged body there are its bytes and nothing else', async (t) => {
  const workload = await startWorkload(() => undefined);
  t.teardown(workload.close);
  const body = { 'application/json': './list.json' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 1,
      drain: '100ms',
      // To judge one takes 0.1 s of a processor, on a busy machine ten times as long.
      limits: { stall: '20s' },
      routes: [{ name: 'judged', methods: ['POST'], path: '/judged', body, timeout: '10m' }],
    },
    files: { 'list.json': '{"type":"array"}' },
  });
  const text = requestText('POST', '/judged', ['Content-Type: application/json'], objects);
  const clients: Awaited<ReturnType<typeof connectRaw>>[] = [];
  const send = async () => {
    const client = await connectRaw(proxy.port, proxy.client);
    clients.push(client);
    client.write(text);
    await eventually(() => workload.hits() === clients.length);
  };
  await send();
  const before = residentBytes(proxy);
  while (clients.length <= waiting) await send();
  const grown = residentBytes(proxy) - before;
  t.ok(grown < (waiting * valueBytes) / 2, `${Math.round(grown / 2 ** 20)} MiB more`);
  for (const { close } of clients) close();
});
