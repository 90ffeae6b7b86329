import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('it is tried again, readiness tells when it is too late, and recovery needs no restart', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      identity: {
        trust_domain: 'test.example',
        spiffe_id: 'spiffe://test.example/ns/t/sa/proxy',
        svid_lifetime: '10s',
      },
    },
  });
  const ask = async () => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/asked'));
    const serial = client.socket.getPeerX509Certificate()?.serialNumber;
    client.close();
    return { status: answer?.status, serial };
  };
  const { serial } = await ask();

  // The CA cannot put on record what it would issue, so it issues nothing.
  const register = new DatabaseSync(join(proxy.folder, 'state', 'register.sqlite'), { timeout: 10_000 });
  t.teardown(() => register.close());
  register.exec('ALTER TABLE issued RENAME TO elsewhere');
  const failed = await proxy.untilRecord(({ type }) => type === 'identity.renewal-failed');
  t.match(failed, { outcome: 'error', certificate: { serial }, detail: /issued/ });
  t.match(proxy.log(), /"level":"error".*"event":"identity\.refresh-failed"/);
  t.same(await ask(), { status: 200, serial }, 'the old certificate goes on');
  t.equal((await proxy.admin('/readyz')).status, 200, 'and is still good');

  await eventually(async () => (await proxy.admin('/readyz')).status === 503);
  t.match((await proxy.admin('/readyz')).body, /the own SVID has expired/);
  t.ok(proxy.audit().filter(({ type }) => type === 'identity.renewal-failed').length > 1, 'it was tried again');

  register.exec('ALTER TABLE elsewhere RENAME TO issued');
  await proxy.untilRecord(({ type }) => type === 'identity.rotate');
  await eventually(async () => (await proxy.admin('/readyz')).status === 200);
  const renewed = await ask();
  t.equal(renewed.status, 200);
  t.not(renewed.serial, serial);
});
