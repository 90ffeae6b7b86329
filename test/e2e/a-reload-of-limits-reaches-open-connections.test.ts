import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('limits of a connection change while it is open', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const patient = { keep_alive: '10m', max_requests_per_connection: 1000 };
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { threads: 1, limits: patient } });
  const change = (limits: object) => untilInForce(proxy, () => changeConfig(proxy, { limits }));

  await t.test('max_requests_per_connection', async (t) => {
    const [one, two] = [await keepConnection(proxy.port, proxy.client), await keepConnection(proxy.port, proxy.client)];
    for (const { ask } of [one, one, two]) {
      t.equal((await ask('/before')).headers.get('connection'), 'keep-alive');
    }
    await change({ ...patient, max_requests_per_connection: 3 });
    t.match(await one.ask('/third'), { status: 200, headers: new Map([['connection', 'close']]) });
    await one.client.untilClosed();
    t.match(await two.ask('/second'), { status: 200, headers: new Map([['connection', 'keep-alive']]) });
    await change({ ...patient, max_requests_per_connection: 1 });
    t.match(await two.ask('/third'), { status: 200, headers: new Map([['connection', 'close']]) }, 'although over it');
    await two.client.untilClosed();
  });

  await t.test('keep_alive', async (t) => {
    await change(patient);
    const idle = await keepConnection(proxy.port, proxy.client);
    t.equal((await idle.ask('/idle')).status, 200);
    await change({ ...patient, keep_alive: '100ms' });
    t.equal((await idle.client.untilClosed()).split('HTTP/1.1 ').length, 2, 'it ends by itself, after its one answer');
  });
  t.equal(await proxy.stop(), 0);
});
