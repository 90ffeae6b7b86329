import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { connectRaw, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { expectNoStart, startProxy, strangerId, type TestProxy } from '../harness/proxy.ts';
import { ask, askTimes, askUntil } from '../harness/statuses.ts';
import { startRawWorkload, startWorkload } from '../harness/workload.ts';

const routes = [
  { name: 'read', methods: ['GET'], path: '/orders', timeout: '500ms' },
  { name: 'write', methods: ['POST'], path: '/orders', body: 'stream', timeout: '500ms' },
  { name: 'patient', methods: ['GET'], path: '/patient/{rest...}', timeout: '1m' },
];

/** One data thread, since each has a breaker of its own. */
function startWith(t: Parameters<typeof startProxy>[0], workloadPort: number, breaker: object): Promise<TestProxy> {
  const workload = { address: `127.0.0.1:${workloadPort}`, breaker };
  return startProxy(t, { workloadPort, config: { threads: 1, workload, routes } });
}

const isOpen = (proxy: TestProxy) => proxy.metric('portcullis_workload_breaker_open{thread="0"}');

void test('one that hangs is asked by one request at a time, and by all as soon as it answers', async (t) => {
  let answers = false;
  let asked = 0;
  const workload = await startRawWorkload((socket) => {
    socket.on('data', () => {
      asked += 1;
      if (answers) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
  });
  t.teardown(workload.close);
  const proxy = await startWith(t, workload.port, { failures: 3, open_for: '2s' });
  t.same(await askTimes(proxy, 3), [504, 504, 504]);
  const opened = await proxy.untilRecord(({ type }) => type === 'breaker.open');
  t.match(opened, { outcome: 'error', stream: 'data-0', thread: 0, detail: '3 failures in a row' });

  t.equal(await isOpen(proxy), 1);
  t.equal(await ask(proxy, '/orders', await proxy.issue(strangerId)), 403, 'policy is asked first');
  const statuses = await askUntil(proxy, 504);
  t.ok(statuses.length > 1);
  t.same(new Set(statuses.slice(0, -1)), new Set([503]));
  t.equal(asked, 4, 'nothing of the others was sent');
  const refused = await proxy.untilRecord(({ reason }) => reason === 'breaker-open');
  t.match(refused, { type: 'upstream.error', outcome: 'error', status: 503, dst: undefined });

  answers = true;
  t.same(new Set(await askUntil(proxy, 204)), new Set([503, 204]));
  t.equal(asked, 5);
  await proxy.untilRecord(({ type }) => type === 'breaker.close');
  t.equal(await isOpen(proxy), 0);
  t.same(await askTimes(proxy, 3), [204, 204, 204]);
  t.equal(await proxy.stop(), 0);
});

void test('one that is not there is left alone, and asked again at once when the configuration is another', async (t) => {
  const gone = await startWorkload();
  await gone.close();
  const proxy = await startWith(t, gone.port, { failures: 2, open_for: '1s' });
  t.same(await askTimes(proxy, 4), [502, 502, 503, 503]);
  await proxy.untilLog((log) => log.includes('"event":"breaker.open"'));
  await untilInForce(proxy, () => changeConfig(proxy, { workload: `127.0.0.1:${gone.port}` }));
  t.same(await askTimes(proxy, 4), [502, 502, 502, 502]);
  t.equal(await isOpen(proxy), 0);
  t.equal(await proxy.stop(), 0);
});

void test('no client closes it to others by what it asks for, by sending slowly or by leaving', async (t) => {
  let hangs = false;
  const workload = await startWorkload(({ url }, _, response) => {
    if (hangs || url === '/patient/hangs') return;
    response.statusCode = url === '/patient/fails' ? 500 : 200;
    response.end();
  });
  t.teardown(workload.close);
  const proxy = await startWith(t, workload.port, { failures: 1, open_for: '1s' });
  t.same(await askTimes(proxy, 3, '/patient/fails'), [500, 500, 500]);

  const slow = await connectRaw(proxy.port, proxy.client);
  slow.write('POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n123');
  t.match(await slow.untilClosed(), /^HTTP\/1\.1 504 /);
  t.equal(await ask(proxy), 200);

  const leaving = await connectRaw(proxy.port, proxy.client);
  leaving.write(requestText('GET', '/patient/hangs'));
  await eventually(() => workload.received().some((bytes) => bytes.includes('/hangs')));
  leaving.close();
  await proxy.untilRecord(({ type }) => type === 'client.abort');
  t.equal(await ask(proxy), 200);

  hangs = true;
  t.same(await askTimes(proxy, 2), [504, 503], 'who stays until its time is over shows that it does not answer');
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
