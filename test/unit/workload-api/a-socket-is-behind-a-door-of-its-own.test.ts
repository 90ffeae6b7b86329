import { spawn } from 'node:child_process';
import { chmodSync, chownSync, linkSync, mkdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { checkSocketFolder } from '../../../certs/workload-api/socket-folder.ts';
import { listenInFolder } from '../../../certs/workload-api/socket.ts';
import { newFolder } from '../../harness/proxy.ts';

const listening = { maxConnections: 8, accept: (connection: Socket) => void connection.destroy() };

type Test = { readonly teardown: (task: () => unknown) => unknown };

function folder(t: Test, mode: number): string {
  const path = join(newFolder(t), 'web');
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

async function listen(t: Test, path: string): Promise<Server> {
  const server = await listenInFolder(path, listening);
  t.teardown(() => server.close());
  return server;
}

test('a folder that is missing is made for its owner alone, and the socket in it', async (t) => {
  const path = join(newFolder(t), 'run', 'web', 'api.sock');
  const server = await listen(t, path);
  t.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  t.equal(statSync(path).mode & 0o777, 0o600);
  t.equal(server.maxConnections, 8);
  t.ok(server.emit('error', new Error('accept ENOBUFS')), 'an accept that fails is heard, and ends nothing');
});

test('a group that may enter the folder may connect', async (t) => {
  for (const mode of [0o750, 0o710]) {
    const path = join(folder(t, mode), `${mode}.sock`);
    await listen(t, path);
    t.strictSame([statSync(path).mode & 0o777, statSync(path).gid], [0o660, statSync(join(path, '..')).gid]);
    t.match(await checkSocketFolder(join(path, '..')), { group: statSync(path).gid });
  }
});

test('a folder that others may enter, or its group may change, is refused', async (t) => {
  for (const mode of [0o755, 0o701, 0o704, 0o770, 0o777, 0o1777]) {
    const path = folder(t, mode);
    await t.rejects(
      listenInFolder(join(path, 'api.sock'), listening),
      { code: 'socket-folder-exposed' },
      mode.toString(8),
    );
  }
});

test('so is one that can be exchanged on the way: a folder above it, or a link of somebody else', async (t) => {
  const above = newFolder(t);
  mkdirSync(join(above, 'open', 'web'), { recursive: true, mode: 0o700 });
  chmodSync(join(above, 'open'), 0o777);
  await t.rejects(checkSocketFolder(join(above, 'open', 'web')), { code: 'socket-folder-exposed' });
  chmodSync(join(above, 'open'), 0o1777);
  await checkSocketFolder(join(above, 'open', 'web'));
  symlinkSync(join(above, 'open', 'web'), join(above, 'link'));
  await checkSocketFolder(join(above, 'link'));
  chmodSync(join(above, 'open'), 0o777);
  await t.rejects(checkSocketFolder(join(above, 'link')), { code: 'socket-folder-exposed' }, 'behind the link too');
  symlinkSync(join(above, 'round'), join(above, 'round'));
  await t.rejects(checkSocketFolder(join(above, 'round')), { code: 'socket-unusable' });
  writeFileSync(join(above, 'file'), '');
  await t.rejects(checkSocketFolder(join(above, 'file')), { code: 'socket-unusable' });
});

const isRoot = process.geteuid?.() === 0;

test('so is a folder of another user', { skip: !isRoot && 'only root can give a folder away' }, async (t) => {
  const path = folder(t, 0o700);
  chownSync(path, 12_345, 12_345);
  await t.rejects(checkSocketFolder(path), { code: 'socket-folder-exposed', message: /belongs to user 12345/ });
});

test('who is in the group connects, who is not does not', {
  skip: !isRoot && 'only root can be somebody else',
}, async (t) => {
  const above = newFolder(t);
  chmodSync(above, 0o711);
  const path = join(above, 'web', 'api.sock');
  mkdirSync(join(above, 'web'));
  chownSync(join(above, 'web'), 0, 2001);
  chmodSync(join(above, 'web'), 0o750);
  await listen(t, path);
  const connects = (uid: number, gid: number) =>
    new Promise((resolve) => {
      const script = `require('node:net').connect(${JSON.stringify(path)})
        .on('connect', () => process.exit(0)).on('error', ({ code }) => process.exit(code === 'EACCES' ? 1 : 2))`;
      const child = spawn(process.execPath, ['-e', script], { uid, gid, env: {}, cwd: '/' });
      child.once('exit', resolve);
    });
  t.equal(await connects(1002, 2001), 0);
  t.equal(await connects(1002, 1002), 1);
});

test('what stands there already is replaced when nobody answers on it, and never when it is no socket', async (t) => {
  const path = join(folder(t, 0o700), 'api.sock');
  writeFileSync(path, 'mine');
  await t.rejects(listenInFolder(path, listening), { code: 'socket-unusable', message: /is not a socket/ });
  unlinkSync(path);
  const first = await listen(t, path);
  await t.rejects(listenInFolder(path, listening), { code: 'socket-in-use' });
  await new Promise((resolve) => first.close(resolve));
  // What a killed process leaves behind: the name of a socket that nobody listens on.
  const gone = createServer().listen(`${path}.tmp`);
  await new Promise((resolve) => gone.once('listening', resolve));
  linkSync(`${path}.tmp`, path);
  await new Promise((resolve) => gone.close(resolve));
  t.ok(statSync(path).isSocket());
  await listen(t, path);
});
