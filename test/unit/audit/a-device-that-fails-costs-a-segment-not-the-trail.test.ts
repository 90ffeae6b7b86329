import fs from 'node:fs';
import { test } from 'tap';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { awake, exchange, files, ofType, openTrail } from './trail.ts';

const eio = () => Object.assign(new Error('EIO: i/o error'), { code: 'EIO' });

// A device that fails cannot be had without a kernel module, so the two calls that would report it are replaced here.

test('after a failed sync the descriptor is never used again (PostgreSQL fsync, 2018)', async (t) => {
  const folder = t.testdir();
  const { fdatasync } = fs;
  const synced: number[] = [];
  const trail = openTrail(folder, { tickMs: 1 });
  const failing: typeof fs.fdatasync = Object.assign(
    (fd: number, done: fs.NoParamCallback) => {
      synced.push(fd);
      if (synced.length === 1) done(eio());
      else fdatasync(fd, done);
    },
    { __promisify__: fdatasync.__promisify__ },
  );
  t.intercept(fs, 'fdatasync', { value: failing });
  const failed = trail.becomes('failed');
  await trail.stream.commit(exchange('1'));
  await awake(failed);
  await trail.becomes('writable');
  t.equal(await trail.stream.commit(exchange('2')), 'written');
  await trail.end();
  t.notOk(synced.slice(1).includes(synced[0] ?? -1));
  t.match(trail.states, ['failed', 'io-error', 'writable']);
  t.equal(files(folder).length, 2);
  t.match(ofType(folder, 'audit.recovered'), [{ reason: 'io-error', detail: 'EIO: i/o error' }]);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});

test('a device that fails every write: lost, told, and not one new file per attempt', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { tickMs: 20 });
  const { writeSync } = fs;
  let isBroken = true;
  const failing = (...args: Parameters<typeof writeSync>) => {
    if (isBroken) throw eio();
    return writeSync(...args);
  };
  t.intercept(fs, 'writeSync', { value: failing });
  for (let n = 0; n < 200; n++) t.equal(await trail.stream.commit(exchange(String(n))), 'lost');
  t.equal(trail.stream.lost, 200);
  // One per attempt would be two hundred; one per half a tick depends on how busy the machine is.
  t.ok(files(folder).length < 100, `${files(folder).length} files`);
  isBroken = false;
  await trail.becomes('writable');
  t.equal(await trail.stream.commit(exchange('back')), 'written');
  await trail.end();
  t.match(ofType(folder, 'audit.recovered'), [{ reason: 'io-error', lost: 200, refused: 0 }]);
  t.match(await verifyAudit(folder), [{ fault: undefined }], 'the empty files that were left hide nothing');
});

test('a short write is finished, and a write that fails in the middle of a line is cut back to whole lines', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { tickMs: 1 });
  const { writeSync } = fs;
  let calls = 0;
  const stuttering = (fd: number, bytes: Buffer, offset: number) => {
    calls += 1;
    if (calls === 40) throw eio();
    return writeSync(fd, bytes, offset, Math.min(100, bytes.length - offset));
  };
  t.intercept(fs, 'writeSync', { value: stuttering });
  const all = Array.from({ length: 10 }, (_, n) => trail.stream.commit(exchange(String(n))));
  t.same(new Set(await Promise.all(all)), new Set(['written']));
  await trail.end();
  t.ok(calls > 60);
  t.equal(files(folder).length, 2);
  t.equal(ofType(folder, 'authz.allow').length, 10);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});
