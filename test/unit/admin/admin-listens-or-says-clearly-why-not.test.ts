import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openAdmin } from '../../../proxy/admin/admin.ts';
import { bind } from '../../../proxy/admin/bind.ts';
import { get, loopback, open, raw, statusOf } from './raw-request.ts';

const state = { ready: () => [], metrics: async () => '', snapshot: () => ({}), onCall: () => undefined };

/** The path of a unix socket holds 104 to 108 bytes, which `t.testdir()` alone may exceed. */
function shortFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'admin-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A socket file whose process was killed before it could remove it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const child = spawn(process.execPath, [
    '-e',
    'require("net").createServer().listen(process.argv[1], () => console.log("up"))',
    path,
  ]);
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a unix socket is for its owner only, answers, and is gone after close', async (t) => {
  const path = join(shortFolder(t), 'admin.sock');
  const opened = await open({}, { kind: 'unix', path });
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(statusOf(await get(opened, '/livez')), 200);
  t.match(opened.calls, [{ remote: 'unix' }]);
  await opened.admin.close();
  t.notOk(existsSync(path));
});

test('the umask of the process is what it was', async (t) => {
  const before = process.umask();
  const opened = await open({}, { kind: 'unix', path: join(shortFolder(t), 'admin.sock') });
  t.teardown(() => opened.admin.close());
  t.equal(process.umask(), before);
});

test('the socket file of a dead process is replaced', async (t) => {
  const path = join(shortFolder(t), 'admin.sock');
  await leaveStaleSocket(path);
  t.ok(existsSync(path));
  const opened = await open({}, { kind: 'unix', path });
  t.teardown(() => opened.admin.close());
  t.equal(statusOf(await get(opened, '/livez')), 200);
});

test('a live socket is refused and left in peace', async (t) => {
  const address = { kind: 'unix', path: join(shortFolder(t), 'admin.sock') } as const;
  const first = await open({}, address);
  t.teardown(() => first.admin.close());
  await t.rejects(openAdmin({ address, state }), {
    code: 'port-in-use',
    message: `admin: another process listens on ${address.path}`,
  });
  t.equal(statusOf(await get(first, '/livez')), 200);
});

test('a file that is no socket is never removed', async (t) => {
  const path = join(shortFolder(t), 'admin.sock');
  writeFileSync(path, 'precious');
  await t.rejects(openAdmin({ address: { kind: 'unix', path }, state }), { code: 'address-unavailable' });
  t.ok(existsSync(path));
});

test('a folder that does not exist, a port in use and a foreign address are named', async (t) => {
  const path = join(shortFolder(t), 'missing', 'admin.sock');
  await t.rejects(openAdmin({ address: { kind: 'unix', path }, state }), {
    code: 'address-unavailable',
    message: /missing/,
  });

  const first = await open();
  t.teardown(() => first.admin.close());
  await t.rejects(openAdmin({ address: first.admin.address, state }), {
    code: 'port-in-use',
    message: `admin: another process listens on ${first.host}`,
  });

  const foreign = { ...loopback, host: '192.0.2.1' };
  await t.rejects(openAdmin({ address: foreign, state }), { code: 'address-unavailable', message: /192\.0\.2\.1/ });
});

test('a path that no unix socket can have is named as such', async (t) => {
  const path = join(shortFolder(t), 'x'.repeat(200));
  await t.rejects(openAdmin({ address: { kind: 'unix', path }, state }), {
    code: 'address-unavailable',
    message: /too long/,
  });
});

test('close ends connections that are open', async (t) => {
  const opened = await open();
  const unfinished = raw(opened.admin.address, 'GET /livez HTTP/1.1\r\n');
  await get(opened, '/livez');
  await opened.admin.close();
  t.equal(await unfinished, '');
  await t.rejects(get(opened, '/livez'), { code: 'ECONNREFUSED' });
});

test('an accept that fails ends nothing', async (t) => {
  const server = createServer();
  t.teardown(() => server.close());
  await bind(server, { kind: 'tcp', host: '127.0.0.1', port: 0 });
  t.ok(server.emit('error', new Error('accept ENOBUFS')), 'it is heard');
});
