import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { expectNoStart, startProxy, strangerId, type TestProxy } from '../harness/proxy.ts';
import { ask, askTimes, askUntil } from '../harness/statuses.ts';
import { startSilentWorkload, startWorkload } from '../harness/workload.ts';

/** Whoever is to be answered has time for it, however slow the machine is. */
const routes = [
  { name: 'read', methods: ['GET'], path: '/orders', timeout: '500ms' },
  { name: 'write', methods: ['POST'], path: '/orders', body: 'stream', timeout: '500ms' },
  { name: 'patient', methods: ['GET'], path: '/patient/{rest...}', timeout: '1m' },
];
const patient = '/patient/orders';

/** One data thread, since each has a breaker of its own. */
function startWith(t: Parameters<typeof startProxy>[0], workloadPort: number, breaker: object): Promise<TestProxy> {
  const workload = { address: `127.0.0.1:${workloadPort}`, breaker };
  return startProxy(t, { workloadPort, config: { threads: 1, workload, routes } });
}

const isOpen = (proxy: TestProxy) => proxy.metric('portcullis_workload_breaker_open{thread="0"}');

void test('one that hangs is not asked any more', async (t) => {
  const { port, state } = await startSilentWorkload(t);
  const proxy = await startWith(t, port, { failures: 3, open_for: '10m' });
  t.same(await askTimes(proxy, 3), [504, 504, 504]);
  t.same(await askTimes(proxy, 3, patient), [503, 503, 503]);
  t.equal(state.asked, 3, 'nothing of these was sent');
  t.equal(await isOpen(proxy), 1);
  t.equal(await ask(proxy, patient, await proxy.issue(strangerId)), 403, 'policy is asked first');
  const opened = await proxy.untilRecord(({ type }) => type === 'breaker.open');
  const detail = `127.0.0.1:${port}: failures in a row: 3`;
  t.match(opened, { outcome: 'error', stream: 'data-0', thread: 0, detail });
  const refused = await proxy.untilRecord(({ reason }) => reason === 'breaker-open');
  t.match(refused, { type: 'upstream.error', outcome: 'error', status: 503, dst: undefined });
  t.equal(await proxy.stop(), 0);
});

void test('it is tried again, and asked by all as soon as it answers', async (t) => {
  const { port, state } = await startSilentWorkload(t);
  const proxy = await startWith(t, port, { failures: 1, open_for: '300ms' });
  t.equal(await ask(proxy), 504);
  await askUntil(proxy, 504, '/orders');
  t.equal(state.asked, 2, 'a trial that failed');
  state.answers = true;
  await askUntil(proxy, 204, patient);
  await proxy.untilRecord(({ type }) => type === 'breaker.close');
  t.equal(await isOpen(proxy), 0);
  t.same(await askTimes(proxy, 3, patient), [204, 204, 204]);
  t.equal(proxy.audit().filter(({ type }) => type === 'breaker.open').length, 1);
  t.equal(await proxy.stop(), 0);
});

void test('one that is not there is left alone, and asked again at once when the configuration is another', async (t) => {
  const gone = await startWorkload();
  await gone.close();
  const proxy = await startWith(t, gone.port, { failures: 2, open_for: '10m' });
  t.same(await askTimes(proxy, 4, patient), [502, 502, 503, 503]);
  await proxy.untilLog((log) => log.includes('"event":"breaker.open"'));
  await untilInForce(proxy, () => changeConfig(proxy, { workload: `127.0.0.1:${gone.port}` }));
  t.same(await askTimes(proxy, 4, patient), [502, 502, 502, 502]);
  t.equal(await isOpen(proxy), 0);
  const closed = await proxy.untilRecord(({ type }) => type === 'breaker.close');
  t.equal(closed['detail'], `127.0.0.1:${gone.port}: the configuration has changed`);
  t.equal(await proxy.stop(), 0);
});

void test('no client closes it to others by statuses, by sending slowly, by leaving or by what is slow for him alone', async (t) => {
  let hangs = false;
  const workload = await startWorkload(({ url }, _, response) => {
    if (hangs || url === '/orders' || url === '/patient/hangs') return;
    response.statusCode = url === '/patient/fails' ? 500 : 200;
    response.end();
  });
  t.teardown(workload.close);
  const proxy = await startWith(t, workload.port, { failures: 2, open_for: '10m' });
  t.same(await askTimes(proxy, 3, '/patient/fails'), [500, 500, 500]);

  for (let n = 0; n < 3; n += 1) {
    const slow = await connectRaw(proxy.port, proxy.client);
    slow.write('POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123');
    t.match(await slow.untilClosed(), /^HTTP\/1\.1 504 /);
  }
  for (let n = 0; n < 3; n += 1) {
    const leaving = await connectRaw(proxy.port, proxy.client);
    leaving.write(requestText('GET', '/patient/hangs'));
    const arrived = () => workload.received().filter((bytes) => bytes.includes('/hangs')).length > n;
    await eventually(arrived);
    leaving.close();
    await proxy.untilRecord(() => proxy.audit().filter(({ type }) => type === 'client.abort').length > n);
  }
  const slowForHim = Array.from({ length: 6 }, () => ask(proxy));
  let over = false;
  const all = Promise.all(slowForHim).finally(() => (over = true));
  while (!over) t.equal(await ask(proxy, patient), 200);
  t.same(await all, Array(6).fill(504));
  t.equal(await ask(proxy, patient), 200);

  hangs = true;
  t.same(await askTimes(proxy, 3), [504, 504, 503], 'when nobody else is answered, it is the workload');
  t.equal(await proxy.stop(), 0);
});

void test('options that are none stop the start, all at once', async (t) => {
  const breaker = { failures: 0, open_for: '1h', half_open: 3 };
  const { code, stderr } = await expectNoStart(t, {
    workloadPort: 9,
    config: { workload: { address: '127.0.0.1:9', breaker } },
  });
  t.equal(code, 3);
  for (const name of ['failures', 'open_for', 'half_open']) t.match(stderr, name);
  t.comment(stderr);
});
