import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { lockAuditFolder } from '../../../proxy/audit/folder-lock.ts';
import { openAuditStream } from '../../../proxy/audit/stream.ts';
import { openTrail } from './trail.ts';

test('a second process is refused, told who holds the folder, and gets it when that one is killed', async (t) => {
  const folder = t.testdir();
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'endless-writer.ts'), folder]);
  await once(child.stdout, 'data');
  child.stdout.resume();
  t.throws(() => openTrail(folder), { code: 'audit-folder-locked', message: new RegExp(`by process ${child.pid}$`) });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const trail = openTrail(folder);
  t.equal(trail.stream.state, 'writable');
  await trail.end();
});

test('the same process cannot lock a folder twice either', async (t) => {
  const folder = t.testdir();
  const lock = lockAuditFolder(folder, Date.now);
  t.throws(() => lockAuditFolder(folder, Date.now), { code: 'audit-folder-locked' });
  lock.release();
  lockAuditFolder(folder, Date.now).release();
});

test('a stream does not open in a folder that nobody locked', async (t) => {
  const open = () =>
    openAuditStream({
      folder: t.testdir(),
      stream: 'data-1',
      segmentBytes: 1000,
      mode: 'required',
      identity: { node: 'n', workload: 'w' },
      now: Date.now,
      monotonicNs: () => process.hrtime.bigint(),
      onStateChange: () => undefined,
    });
  t.throws(open, { code: 'audit-folder-locked' });
});

test('a folder that others can write to, a file in its place, and a link in place of the lock are refused', async (t) => {
  const folder = t.testdir({ open: {}, file: 'x', linked: {} });
  fs.chmodSync(path.join(folder, 'open'), 0o777);
  fs.symlinkSync(path.join(folder, 'file'), path.join(folder, 'linked', 'lock'));
  for (const [name, message] of [
    ['open', /mode 777/],
    ['file', /EEXIST/],
    ['linked', /ELOOP/],
  ] as const) {
    const lock = () => lockAuditFolder(path.join(folder, name), Date.now);
    t.throws(lock, { code: 'audit-folder-unusable', message });
  }
});
