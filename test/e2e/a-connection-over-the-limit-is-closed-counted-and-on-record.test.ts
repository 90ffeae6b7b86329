import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { serialOf } from '../harness/lifetime.ts';
import { eventually, gauge } from '../harness/process.ts';
import { clientId, startProxy, strangerId } from '../harness/proxy.ts';
import { expectRefusal, offering, refusals, sendingBytes } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

void test('per identity with its name, in total before anybody is asked for one', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const limits = { max_connections: 3, max_connections_per_identity: 2, keep_alive: '5m', head: '1m' };
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { limits } });
  const stranger = await proxy.issue(strangerId);
  const reason = 'too-many-connections';

  const first = await keepConnection(proxy.port, proxy.client);
  const second = await keepConnection(proxy.port, proxy.client);
  for (const { ask } of [first, second]) t.equal((await ask('/in')).status, 200);
  const third = await expectRefusal(t, proxy, 'a third of one identity', reason, offering(proxy, proxy.client));
  t.match(third, { detail: 'identity-limit', peer: { spiffe: clientId, serial: serialOf(proxy.client) } });

  const other = await keepConnection(proxy.port, stranger);
  t.equal((await other.ask('/in')).status, 403, 'another identity comes in, up to the policy');
  const fourth = await expectRefusal(t, proxy, 'a fourth in total', reason, offering(proxy, stranger));
  t.match(fourth, { detail: 'total-limit', peer: undefined });
  await expectRefusal(t, proxy, 'a fourth in total that says nothing', reason, sendingBytes(proxy, ''));

  other.client.close();
  await eventually(async () => (await gauge(proxy, 'portcullis_open_connections')) === 2);
  const again = await keepConnection(proxy.port, stranger);
  t.equal((await again.ask('/in')).status, 403, 'the positive twin: there is room again');
  t.equal(refusals(proxy).length, 3);
  t.equal((await first.ask('/in')).status, 200);
  for (const { client } of [first, second, again]) client.close();
});
