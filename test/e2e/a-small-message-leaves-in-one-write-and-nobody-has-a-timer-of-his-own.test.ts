import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { connectRaw, parseAnswer, type RawClient, requestText } from '../harness/client.ts';
import { eventually, gauge } from '../harness/process.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startTlsRecordCounter } from '../harness/tls-records.ts';
import { startWorkload } from '../harness/workload.ts';

const rounds = 100;
const chunked = ['Transfer-Encoding: chunked'];
const json = ['Content-Type: application/json'];
const stranger = 'x'.repeat(1000);

type Kind = {
  readonly name: string;
  readonly request: string;
  readonly status: number;
  /** To the workload, to the client, and the record. */
  readonly writes: number;
};

const kinds: readonly Kind[] = [
  { name: 'GET', request: requestText('GET', '/a'), status: 200, writes: 3 },
  { name: 'HEAD', request: requestText('HEAD', '/a'), status: 200, writes: 3 },
  { name: 'a streamed body', request: requestText('POST', '/a', [], stranger), status: 200, writes: 3 },
  {
    name: 'a chunked body',
    request: `${requestText('POST', '/a', chunked)}3e8\r\n${stranger}\r\n0\r\n\r\n`,
    status: 200,
    writes: 3,
  },
  {
    name: 'a body that is judged',
    request: requestText('POST', '/judged', json, JSON.stringify({ a: stranger })),
    status: 200,
    writes: 3,
  },
  { name: 'a chunked answer', request: requestText('GET', '/chunked'), status: 200, writes: 3 },
  { name: 'an answer of 15 KiB', request: requestText('GET', '/large'), status: 200, writes: 3 },
  { name: 'a refusal', request: requestText('DELETE', '/a'), status: 405, writes: 2 },
];

void test('writes and timers', async (t) => {
  const workload = await startWorkload((request, _body, response) => {
    if (request.url === '/wait') return;
    if (request.url === '/chunked') response.write('some, ');
    response.end(request.url === '/large' ? 'x'.repeat(15 * 1024) : 'all of it');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    preload: new URL('../harness/note-timers.ts', import.meta.url),
    files: { 'any.json': '{"type": "object", "additionalProperties": true}' },
    config: {
      threads: 1,
      // Nobody is cut for being slow on a busy machine.
      limits: { max_requests_per_connection: 100_000, handshake: '1m', head: '1m', keep_alive: '5m', stall: '20s' },
      routes: [
        { name: 'any', methods: ['GET', 'HEAD'], path: '/{rest...}' },
        { name: 'any.write', methods: ['POST'], path: '/{rest...}', body: 'stream' },
        { name: 'judged', methods: ['POST'], path: '/judged', body: { 'application/json': './any.json' } },
      ],
    },
  });
  const counter = await startTlsRecordCounter(proxy.port);
  t.teardown(counter.close);
  const client = await connectRaw(counter.port, proxy.client);
  await ask(client, requestText('GET', '/first'));

  for (const { name, request, status, writes } of kinds) {
    await t.test(`${name}: ${writes} writes, one TLS record`, async (t) => {
      const before = { writes: writesOf(proxy), records: counter.records(), timers: timersStarted(proxy) };
      for (let round = 0; round < rounds; round += 1) {
        const answer = await ask(client, request);
        if (answer?.status !== status) t.fail(`${answer?.status} in place of ${status}`);
      }
      t.equal(counter.records() - before.records, rounds);
      // Now and then a thread says something to another one, which is a write too.
      t.equal(Math.floor(busiest(proxy, before.writes) / rounds), writes);
      t.ok(timersStarted(proxy) - before.timers < rounds / 10, 'and no timer');
    });
  }
  await noTimerForEach(t, proxy);
});

/** Time is counted by one interval for all connections, one for the workload's, one for each file and pulse. */
async function noTimerForEach(t: Test, proxy: TestProxy) {
  await t.test(
    'connections that wait for a request, and requests that wait for the workload, have no timers',
    async (t) => {
      const before = timersRunning(proxy);
      const clients = await Promise.all(Array.from({ length: 60 }, () => connectRaw(proxy.port, proxy.client)));
      for (const client of clients.slice(30)) client.write(requestText('GET', '/wait'));
      await eventually(async () => (await gauge(proxy, 'portcullis_in_flight_requests')) === 30);
      t.equal(await gauge(proxy, 'portcullis_open_connections'), 61);
      t.ok(before > 0, `${before} of the thread itself`);
      t.equal(timersRunning(proxy), before);
      for (const client of clients) client.close();
    },
  );
}

async function ask(client: RawClient, text: string): Promise<ReturnType<typeof parseAnswer>> {
  const from = client.text().length;
  client.write(text);
  const bodiless = text.startsWith('HEAD');
  const whole = (all: string) => {
    const answer = all.slice(from);
    const chunks = /transfer-encoding: chunked/.test(answer);
    if (bodiless || chunks) return bodiless ? answer.endsWith('\r\n\r\n') : answer.endsWith('\r\n0\r\n\r\n');
    return parseAnswer(answer) !== undefined;
  };
  const answer = (await client.until(whole)).slice(from);
  return parseAnswer(bodiless ? answer.replace(/content-length.*\r\n/, '') : answer);
}

/** Writes of every thread of the process so far, as the kernel counts them: files and events between threads too. */
function writesOf({ child }: TestProxy): ReadonlyMap<string, number> {
  const tasks = `/proc/${child.pid}/task`;
  const count = (task: string) => Number(/^syscw: (\d+)$/m.exec(readFileSync(join(tasks, task, 'io'), 'utf8'))?.[1]);
  return new Map(readdirSync(tasks).map((task) => [task, count(task)]));
}

/** How often the thread wrote that serves the requests. */
function busiest(proxy: TestProxy, before: ReadonlyMap<string, number>): number {
  return Math.max(...[...writesOf(proxy)].map(([task, writes]) => writes - (before.get(task) ?? writes)));
}

function timerMarks({ folder }: TestProxy): string {
  const files = join(folder, 'timers');
  return readdirSync(files)
    .map((name) => readFileSync(join(files, name), 'utf8'))
    .join('');
}

const timersStarted = (proxy: TestProxy) => timerMarks(proxy).split('+').length - 1;
const timersRunning = (proxy: TestProxy) => timersStarted(proxy) - (timerMarks(proxy).split('-').length - 1);
