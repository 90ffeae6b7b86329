import { join } from 'node:path';
import { test } from 'tap';
import { replaceFile, untilInForce } from '../harness/change-files.ts';
import { portcullis } from '../harness/command.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { serialOf } from '../harness/lifetime.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

void test('a stolen key is out at once, although a reload as a whole is impossible', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 2,
      limits: { head: '1m', keep_alive: '1m' },
      policy: { rego: './policy', data: './data.json' },
      denylist: './denylist',
    },
    files: { 'data.json': '{}', denylist: '' },
  });
  const stolen = await proxy.issue(clientId);
  const idle = await keepConnection(proxy.port, stolen);
  const slow = await keepConnection(proxy.port, stolen);
  const other = await keepConnection(proxy.port, proxy.client);
  for (const { ask } of [idle, slow, other]) t.equal((await ask('/before')).status, 200);
  const finish = slow.beginToAsk('/after');
  const rejections = () => proxy.audit().filter(({ type }) => type === 'config.reject');

  replaceFile(proxy, 'data.json', '{"broken": ');
  const rejected = await proxy.untilRecord(({ type }) => type === 'config.reject');
  const hits = workload.hits();
  const revoked = await untilInForce(proxy, async () => {
    const state = join(proxy.folder, 'state');
    const command = await portcullis('ca', 'revoke', '--state', state, '--serial', serialOf(stolen));
    t.equal(command.code, 0, command.stderr);
  });
  await idle.client.untilClosed();
  t.match(await finish(), { status: 403, body: /"code":"identity-revoked"/ });
  await slow.client.untilClosed();
  await expectRefusal(t, proxy, 'a new connection', 'revoked', offering(proxy, stolen));
  t.equal(workload.hits(), hits, 'the workload heard nothing of it');
  const denied = proxy.audit().filter(({ reason }) => reason === 'identity-revoked');
  t.match(denied, [{ type: 'authz.deny', snapshot: revoked['snapshot'] }]);

  t.equal(rejections().length, 2, 'the revocation has tried the whole again, and the whole is still refused');
  t.match(revoked, { previous_snapshot: rejected['snapshot'], outcome: 'allow' });
  const changes = proxy.audit().filter(({ type }) => type === 'trust.change');
  t.match(changes, [{ snapshot: revoked['snapshot'] }]);
  const detail = `newly revoked: ${serialOf(stolen)}`.toLowerCase();
  t.equal(String(changes[0]?.['detail']).toLowerCase(), detail, 'and it says whose key it was');
  t.equal((await other.ask('/still')).status, 200, 'the positive twin: the same ID, another serial');

  const mended = await untilInForce(proxy, () => replaceFile(proxy, 'data.json', '{"mended": true}'));
  t.match(mended, { previous_snapshot: revoked['snapshot'] });
  await expectRefusal(t, proxy, 'still revoked under the mended files', 'revoked', offering(proxy, stolen));
  t.equal((await other.ask('/mended')).status, 200);

  replaceFile(proxy, 'portcullis.yaml', '{ "listen": ');
  await proxy.untilRecord(({ type, detail }) => type === 'config.reject' && /portcullis.yaml/.test(String(detail)));
  // It names no denylist, and that of the one in force is watched still.
  await untilInForce(proxy, () => replaceFile(proxy, 'denylist', `spiffe-id ${clientId}\n`));
  await other.client.untilClosed();
  await expectRefusal(t, proxy, 'who is on the denylist', 'denylisted', offering(proxy, proxy.client));
  t.equal(await proxy.stop(), 0);
});
