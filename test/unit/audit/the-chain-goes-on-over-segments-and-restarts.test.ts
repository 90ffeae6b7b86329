import fs from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { exchange, files, ofType, openTrail, records } from './trail.ts';

test('three runs in small segments are one chain; finished segments are read-only, files and folders private', async (t) => {
  const folder = path.join(t.testdir(), 'audit');
  for (let run = 1; run <= 3; run++) {
    const trail = openTrail(folder, { segmentBytes: 2000 });
    for (let n = 1; n <= 10; n++) t.equal(await trail.stream.commit(exchange(`${run}-${n}`)), 'written');
    await trail.end();
  }
  const [report] = await verifyAudit(folder);
  t.equal(report?.fault, undefined);
  const all = records(folder);
  t.same(
    all.map((record) => record['seq']),
    all.map((_, index) => index + 1),
  );
  for (const [index, record] of all.entries()) if (index > 0) t.equal(record['prev'], all[index - 1]?.['hash']);
  t.equal(ofType(folder, 'audit.start').length, 3);
  t.equal(ofType(folder, 'audit.stop').length, 3);
  t.equal(ofType(folder, 'audit.recovered').length, 0);
  const mode = (file: string) => (fs.statSync(file).mode & 0o777).toString(8);
  for (const file of files(folder).slice(0, -1)) t.equal(mode(file), '400');
  t.equal(mode(files(folder).at(-1) ?? ''), '600');
  t.equal(mode(folder), '700');
  t.equal(mode(path.join(folder, 'data-1')), '700');
});

test('every new segment begins with the record that ties it to the one before', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { segmentBytes: 1 });
  for (let n = 1; n <= 5; n++) await trail.stream.commit(exchange(String(n)));
  await trail.end();
  const firsts = files(folder).map((file): unknown => JSON.parse(fs.readFileSync(file, 'latin1').split('\n')[0] ?? ''));
  t.match(
    firsts.slice(1),
    firsts.slice(1).map((_, index) => ({ type: 'audit.rotate', segment: index + 2 })),
  );
  t.equal(firsts.length, 7);
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});

test('the records of one turn are written together, in order, and the queue is bounded', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { segmentBytes: 100_000_000 });
  const size = () => fs.statSync(files(folder)[0] ?? '').size;
  const before = size();
  const first = trail.stream.commit(exchange('0'));
  t.equal(size(), before, 'nothing is written while the turn lasts');
  const rest = Array.from({ length: 5000 }, (_, n) => trail.stream.commit(exchange(String(n + 1))));
  t.ok(size() > before + 2_000_000, 'except when it grows too large to hold');
  t.same(new Set(await Promise.all([first, ...rest])), new Set(['written']));
  t.ok(trail.stream.lagMs > 0);
  await trail.end();
  t.equal(trail.stream.lagMs, 0);
  const ids = records(folder).flatMap((record) => (record['type'] === 'authz.allow' ? [record['id']] : []));
  t.same(
    ids,
    ids.map((_, index) => String(index)),
  );
  t.equal(await trail.stream.commit(exchange('late')), 'lost', 'a closed stream takes nothing more');
});

test('what a crash or a hand leaves of the last line is cut off, and the next run says so; whole lines are not mended', async (t) => {
  const folder = t.testdir();
  const zeros = Buffer.alloc(4096);
  const left: readonly (readonly [string, (file: string) => void, object | string])[] = [
    ['zeros of a power cut', (file) => fs.appendFileSync(file, zeros), { bytes_cut: 4096, last_seq: 3 }],
    [
      'a hole',
      (file) => fs.truncateSync(file, fs.statSync(file).size + 1_000_000),
      { bytes_cut: 1_000_000, last_seq: 3 },
    ],
    ['no newline', (file) => fs.truncateSync(file, fs.statSync(file).size - 1), { last_seq: 2 }],
    ['half of the first line', (file) => fs.truncateSync(file, 100), { bytes_cut: 100, last_seq: 0 }],
    ['nothing', (file) => fs.truncateSync(file, 0), { bytes_cut: 0, last_seq: 0 }],
    ['zeros as a line', (file) => fs.appendFileSync(file, Buffer.concat([zeros, Buffer.from('\n')])), 'not-ascii'],
    ['an empty line', (file) => fs.appendFileSync(file, '\n'), 'malformed'],
  ];
  for (const [index, [name, change, expected]] of left.entries()) {
    const own = path.join(folder, String(index));
    const before = openTrail(own);
    await before.stream.commit(exchange('before'));
    await before.end();
    change(files(own)[0] ?? '');
    if (typeof expected === 'string') {
      t.throws(() => openTrail(own), { code: 'audit-stream-corrupt', message: `does not verify: ${expected}` }, name);
      continue;
    }
    const after = openTrail(own);
    await after.stream.commit(exchange('after'));
    await after.end();
    t.match(ofType(own, 'audit.recovered'), [expected], name);
    t.match(await verifyAudit(own), [{ fault: undefined }], name);
  }
});

test('two streams in one folder are two chains', async (t) => {
  const folder = t.testdir();
  const one = openTrail(folder, { name: 'data-1' });
  one.lock.release();
  const two = openTrail(folder, { name: 'control' });
  two.stream.append({ kind: 'control', type: 'policy.load', policy: { revision: 'r1' }, snapshot: 'sha256:22' });
  await Promise.all([one.stream.commit(exchange('1')), two.stream.commit(exchange('2'))]);
  await one.stream.close();
  await two.end();
  t.match(await verifyAudit(folder), [
    { stream: 'control', records: 4, fault: undefined },
    { stream: 'data-1', records: 3, fault: undefined },
  ]);
});
