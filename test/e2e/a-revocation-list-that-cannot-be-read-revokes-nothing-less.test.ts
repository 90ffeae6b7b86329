import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { serialOf } from '../harness/lifetime.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

// Who can damage the list must not bring back what it revokes; who damages it by accident must not stop the service.
void test('the last good list stays in force, and the next good one replaces it', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { limits: { head: '5m', keep_alive: '5m' } },
  });
  const crl = join(proxy.folder, 'state', 'ca', 'crl.pem');
  const revoked = await proxy.issue(clientId);
  const later = await proxy.issue(clientId);
  const kept = await keepConnection(proxy.port, proxy.client);
  await proxy.ca.revoke(serialOf(revoked));
  await proxy.untilRecord(({ type }) => type === 'snapshot.swap');

  const rejections = () => proxy.audit().filter(({ type }) => type === 'config.reject');
  const spoilings = {
    'cut in half': () => writeFileSync(crl, '-----BEGIN X509 CRL-----\nMIIB'),
    missing: () => rmSync(crl),
  };
  for (const [what, spoil] of Object.entries(spoilings)) {
    const before = rejections().length;
    spoil();
    await proxy.untilRecord(() => rejections().length > before);
    t.match(rejections().at(-1), {
      outcome: 'deny',
      reason: /^(revocation-list-invalid|state-incomplete)$/,
    });
    await expectRefusal(t, proxy, what, 'revoked', offering(proxy, revoked));
    t.equal((await kept.ask('/kept')).status, 200, `${what}: who is not revoked is served`);
  }

  // The CA writes the list anew, from its register.
  await proxy.ca.revoke(serialOf(later));
  await proxy.untilRecord(() => proxy.audit().filter(({ type }) => type === 'trust.change').length === 2);
  for (const credential of [revoked, later]) {
    await expectRefusal(t, proxy, 'after it was mended', 'revoked', offering(proxy, credential));
  }
  t.equal((await kept.ask('/kept')).status, 200);
  kept.client.close();
});
