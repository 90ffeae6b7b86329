import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { test } from 'tap';
import { lockAuditFolder } from '../../../proxy/audit/folder-lock.ts';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { ofType } from './trail.ts';

/** Lets a thread write until it has acknowledged `count` records, terminates it, and says how many it acknowledged. */
async function terminatedThread(folder: string, count: number): Promise<number> {
  const worker = new Worker(path.join(import.meta.dirname, 'writer-thread.ts'), { workerData: folder });
  let acknowledged = 0;
  await new Promise<void>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (n: number) => {
      acknowledged = n;
      if (n === count) resolve();
    });
  });
  await worker.terminate();
  return acknowledged;
}

test('threads that are terminated in the middle of their work leave one whole chain', async (t) => {
  const folder = t.testdir();
  const lock = lockAuditFolder(folder, Date.now);
  let acknowledged = 0;
  for (let thread = 1; thread <= 3; thread++) acknowledged += await terminatedThread(folder, 100);
  lock.release();
  t.ok(ofType(folder, 'authz.allow').length >= acknowledged);
  t.equal(ofType(folder, 'audit.recovered').length, 2);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});
