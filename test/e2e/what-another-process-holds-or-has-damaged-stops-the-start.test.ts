import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { base, isClear, workloadPort } from '../harness/failed-start.ts';
import { expectNoStart, newFolder, type ProxySetup, startProxy } from '../harness/proxy.ts';

test('a port in use, by a stranger and by a portcullis, which shares its port among its threads', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const taken = (server.address() as AddressInfo).port;
  const stranger = await expectNoStart(t, { workloadPort, config: { ...base, listen: `127.0.0.1:${taken}` } });
  isClear(t, stranger, {
    code: 'port-in-use',
    says: new RegExp(`listen: another process listens on 127.0.0.1:${taken}`),
  });

  const first = await startProxy(t, { workloadPort, config: { ...base, threads: 2 } });
  const listen = `127.0.0.1:${first.port}`;
  const second = await expectNoStart(t, { workloadPort, config: { ...base, listen, threads: 2 } });
  isClear(t, second, { code: 'port-in-use', says: new RegExp(`another process listens on ${listen}`) });

  const admin = `unix:${join(first.folder, 'admin.sock')}`;
  const sameSocket = await expectNoStart(t, { workloadPort, config: { ...base, admin } });
  isClear(t, sameSocket, { code: 'port-in-use', says: /admin: another process listens on .*admin\.sock/ });

  const audit = { folder: join(first.folder, 'audit') };
  const sameAudit = await expectNoStart(t, { workloadPort, config: { ...base, audit } });
  const holder = new RegExp(`audit is being written by process ${first.child.pid}`);
  isClear(t, sameAudit, { code: 'audit-folder-locked', says: holder });
  t.equal((await first.admin('/readyz')).status, 200, 'the first one does not notice');
  t.equal(await first.stop(), 0);
});

test('an audit stream whose end does not verify, of the main thread or of a data thread', async (t) => {
  const folder = newFolder(t);
  const setup: ProxySetup = { workloadPort, folder, config: base };
  const proxy = await startProxy(t, setup);
  t.equal(await proxy.stop(), 0);
  for (const stream of ['data-0', 'control']) {
    const file = join(folder, 'audit', stream, '00000001.ndjson');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace(/"hash":"sha256:....([0-9a-f]{60}"\}\n)$/, '"hash":"sha256:0000$1'));
    const says = new RegExp(`the last record of .*${stream}/00000001.ndjson does not verify: hash-mismatch`);
    isClear(t, await expectNoStart(t, setup), { code: 'audit-stream-corrupt', says });
    writeFileSync(file, good);
  }
  const again = await startProxy(t, setup);
  t.equal(await again.stop(), 0);
});

test('an audit folder that others may write to, and a state folder that others may read', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'audit'));
  chmodSync(join(folder, 'audit'), 0o777);
  isClear(t, await expectNoStart(t, { workloadPort, folder, config: base }), {
    code: 'audit-folder-unusable',
    says: /audit can be written by other users \(mode 777\)/,
  });
  rmSync(join(folder, 'audit'), { recursive: true });
  chmodSync(join(folder, 'state'), 0o755);
  isClear(t, await expectNoStart(t, { workloadPort, folder, config: base }), {
    code: 'config-invalid',
    says: /others can reach .*state \(mode 0755\); run `chmod 0700/,
  });
});
