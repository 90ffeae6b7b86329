import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Test, test } from 'tap';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { watchDisk } from '../../../proxy/audit/watch-disk.ts';
import { awake, exchange, files, ofType, openTrail, records, refusal } from './trail.ts';

test('a file removed while it is written: nothing that follows is lost, and the verifier names the gap', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder);
  await trail.stream.commit(exchange('1'));
  const removed = files(folder)[0] ?? '';
  fs.rmSync(removed);
  t.equal(await trail.stream.commit(exchange('2')), 'written');
  t.same(trail.states, ['failed', 'removed', 'writable']);
  await trail.end();
  t.match(ofType(folder, 'audit.recovered'), [{ reason: 'removed', seq: 3, lost: 0 }]);
  t.match(await verifyAudit(folder), [{ fault: { kind: 'segment-missing', file: removed, seq: 1 } }]);
});

test('a file replaced, or written to by something else, is given up', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { tickMs: 1 });
  const first = files(folder)[0] ?? '';
  fs.copyFileSync(first, `${first}.new`);
  fs.renameSync(`${first}.new`, first);
  t.equal(await trail.stream.commit(exchange('1')), 'written');
  t.match(trail.states, ['failed', 'replaced', 'writable']);
  const second = files(folder)[1] ?? '';
  fs.appendFileSync(second, 'x\n');
  await trail.stream.commit(exchange('2'));
  await trail.becomes('writable');
  t.match(trail.states.slice(3), ['failed', 'altered']);
  await trail.end();
  t.match(await verifyAudit(folder), [{ fault: { kind: 'malformed', file: second } }]);
});

test('the whole folder gone: commits are lost, until it is back; then the count is admitted', async (t) => {
  const folder = path.join(t.testdir(), 'audit');
  const trail = openTrail(folder, { tickMs: 5 });
  await trail.stream.commit(exchange('1'));
  fs.rmSync(folder, { recursive: true });
  t.equal(await trail.stream.commit(exchange('2')), 'lost');
  t.equal(await trail.stream.commit(refusal('3', 'audit-unavailable', 503)), 'lost');
  t.equal(await trail.stream.commit({ kind: 'handshake', id: 'c1', dur_us: 1 }), 'lost');
  t.match(trail.stream, { state: 'failed', lost: 3 });
  t.match(trail.states, ['failed', 'removed']);
  fs.mkdirSync(folder, { mode: 0o700 });
  await trail.becomes('writable');
  t.equal(await trail.stream.commit(exchange('4')), 'written');
  await trail.end();
  t.match(records(folder)[0], { type: 'audit.recovered', seq: 3, lost: 3, refused: 2 });
});

test('a limit on file size, which makes short writes: whole lines only, all of them', async (t) => {
  const folder = t.testdir();
  const script = `
    process.on('SIGXFSZ', () => {});
    const { openTrail, exchange } = await import(${JSON.stringify(path.join(import.meta.dirname, 'trail.ts'))});
    const trail = openTrail(${JSON.stringify(folder)}, { segmentBytes: 10_000_000, tickMs: 1 });
    const all = Array.from({ length: 1500 }, (_, n) => trail.stream.commit(exchange(String(n))));
    const results = await Promise.all(all);
    await trail.end();
    console.log(results.filter((result) => result === 'written').length);`;
  const limit = 1_048_576 + 777;
  const child = spawnSync('prlimit', [`--fsize=${limit}`, process.execPath, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  if (child.error !== undefined) return t.pass('skipped: no prlimit on this machine');
  t.equal(child.stdout, '1500\n', child.stderr);
  t.ok(files(folder).length >= 2);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
  return t.equal(records(folder).filter((record) => record['type'] === 'authz.allow').length, 1500);
});

/** The folder of a real file system of its own, or undefined where this user may not mount one. */
function mounted(t: Test, kib: number): string | undefined {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'audit-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kib}k,mode=0700`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    fs.rmdirSync(folder);
    return undefined;
  }
  t.teardown(() => {
    execFileSync('umount', ['-l', folder]);
    fs.rmdirSync(folder);
  });
  return folder;
}

test('a full disk: forwarded requests are recorded from the reserve, new ones refused, and it recovers', async (t) => {
  const folder = mounted(t, 5120);
  if (folder === undefined) return t.pass('skipped: this user cannot mount a tmpfs');
  const trail = openTrail(folder, { tickMs: 5 });
  await trail.stream.commit(exchange('1'));
  const filler = path.join(folder, 'filler');
  t.throws(() => fs.writeFileSync(filler, Buffer.alloc(8_000_000, 1)), { code: 'ENOSPC' });
  const inFlight = Array.from({ length: 400 }, (_, n) => trail.stream.commit(exchange(`in-flight-${n}`)));
  t.same(new Set(await Promise.all(inFlight)), new Set(['written']), 'every record of a forwarded request is there');
  t.same(trail.states, ['failed', 'no-space']);
  const reasons = ['audit-unavailable', 'malformed-request-line', 'client-aborted', 'forbidden'] as const;
  const refusals = Array.from({ length: 4000 }, (_, n) => refusal(`new-${n}`, reasons[n % reasons.length], 503));
  const refused = await Promise.all(refusals.map((event) => trail.stream.commit(event)));
  t.same(new Set(refused), new Set(['lost']), 'whatever was refused takes nothing of the reserve');
  t.equal(await trail.stream.commit(exchange('still-in-flight')), 'written');
  const flood = Array.from({ length: 4000 }, (_, n) => trail.stream.commit(exchange(`flood-${n}`)));
  const lost = (await Promise.all(flood)).filter((result) => result === 'lost').length;
  t.ok(lost > 0, 'even the reserve ends');
  t.match(await verifyAudit(folder), [{ fault: undefined }], 'no partial line on the full disk');
  fs.rmSync(filler);
  await trail.becomes('writable');
  t.equal(await trail.stream.commit(exchange('2')), 'written');
  await trail.end();
  t.match(ofType(folder, 'audit.degraded'), [{ reason: 'no-space' }]);
  t.match(ofType(folder, 'audit.recovered'), [{ reason: 'no-space', lost: lost + 4000, refused: 4000 }]);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
  return t.ok(fs.existsSync(path.join(folder, 'data-1', 'reserve')), 'the reserve stands again');
});

test('from three quarters of the disk on it is said, once until there is clearly less', async (t) => {
  const folder = mounted(t, 1024);
  if (folder === undefined) return t.pass('skipped: this user cannot mount a tmpfs');
  const told: unknown[] = [];
  const log = { debug: () => {}, info: () => {}, warn: (event: string) => void told.push(event), error: () => {} };
  const shares: number[] = [];
  const fill = (percent: number) => fs.writeFileSync(path.join(folder, 'filler'), Buffer.alloc(percent * 10_485));
  const looks = async (more: number) => {
    const from = shares.length;
    while (shares.length < from + more) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  fill(74);
  const audit = { append: (event: object) => void told.push(event) };
  t.teardown(watchDisk(folder, { audit, log, used: (share) => void shares.push(share) }, 1));
  await looks(2);
  t.same(told, []);
  for (const percent of [76, 74, 80, 69, 90]) {
    fill(percent);
    await looks(2);
    t.ok(Math.abs((shares.at(-1) ?? 0) * 100 - percent) < 1.5, `${shares.at(-1)}`);
  }
  const said = (percent: number) => ({
    kind: 'control',
    type: 'audit.degraded',
    reason: 'nearly-full',
    detail: `the disk below ${folder} is ${percent} % full`,
  });
  return t.match(told, [said(76), 'audit.nearly-full', said(90), 'audit.nearly-full']);
});

test('what was refused in the turn in which the disk is found full takes nothing of the reserve either', async (t) => {
  const folder = mounted(t, 5120);
  if (folder === undefined) return t.pass('skipped: this user cannot mount a tmpfs');
  const trail = openTrail(folder, { tickMs: 5 });
  t.throws(() => fs.writeFileSync(path.join(folder, 'filler'), Buffer.alloc(8_000_000, 1)), { code: 'ENOSPC' });
  const object = { service: 'orders', method: 'GET', target: `/${'x'.repeat(7000)}` };
  const refusals = Array.from({ length: 100 }, (_, n) => ({ ...refusal(`${n}`, 'malformed-header', 400), object }));
  const refused = refusals.map((event) => trail.stream.commit(event));
  t.equal(await trail.stream.commit(exchange('in-flight')), 'written');
  const lost = (await Promise.all(refused)).filter((result) => result === 'lost').length;
  t.ok(lost > 98, 'at most the end of a page has had room');
  t.equal(trail.stream.lost, lost);
  fs.rmSync(path.join(folder, 'filler'));
  await trail.becomes('writable');
  await trail.end();
  return t.match(ofType(folder, 'audit.recovered'), [{ reason: 'no-space', lost, refused: lost }]);
});

test('a file system that turns read-only, and back', async (t) => {
  const folder = mounted(t, 8192);
  if (folder === undefined) return t.pass('skipped: this user cannot mount a tmpfs');
  const before = openTrail(folder, { tickMs: 5 });
  await before.end();
  const remount = (how: string) => execFileSync('mount', ['-o', `remount,${how}`, folder]);
  remount('ro');
  t.throws(() => openTrail(folder), { code: 'audit-folder-unusable' }, 'the proxy does not start without its audit');
  remount('rw');
  const trail = openTrail(folder, { tickMs: 5, segmentBytes: 1 });
  // A file open for writing keeps the mount writable, so the folder is hidden behind a read-only one instead.
  const cover = () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,mode=0700', 'tmpfs', folder]);
  };
  cover();
  t.equal(await trail.stream.commit(exchange('1')), 'lost');
  t.equal(trail.stream.state, 'failed');
  execFileSync('umount', [folder]);
  await trail.becomes('writable');
  t.equal(await trail.stream.commit(exchange('2')), 'written');
  await trail.end();
  return t.match(ofType(folder, 'audit.recovered').at(-1), { reason: 'read-only', lost: 1 });
});

test('a wall clock that jumps leaves a record', async (t) => {
  const folder = t.testdir();
  let offset = 0;
  const stepped = new Promise<void>((resolve) => {
    let asked = 0;
    const trail = openTrail(folder, {
      tickMs: 1,
      now: () => {
        asked += 1;
        if (asked === 10) offset = -3_600_000;
        if (asked === 20) void trail.end().then(resolve);
        return Date.now() + offset;
      },
    });
  });
  await awake(stepped);
  const [step] = ofType(folder, 'time.step');
  t.ok(Math.abs(Number(step?.['step_ms']) + 3_600_000) < 1000);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});
