import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { exchange, files, lines, ofType, openTrail, records } from './trail.ts';

const writer = path.join(import.meta.dirname, 'endless-writer.ts');

/** Runs the writer until it has acknowledged `count` records and kills it in the middle of its work. */
async function killedWriter(folder: string, count: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  // Its output ends before it has let go of the folder.
  const gone = once(child, 'exit');
  let printed = '';
  for await (const chunk of child.stdout) {
    printed += String(chunk);
    if (printed.split('\n').length > count) child.kill('SIGKILL');
  }
  await gone;
  return printed.split('\n').slice(0, -1);
}

test('no acknowledged record is missing after kill -9, three times over', async (t) => {
  const folder = t.testdir();
  const acknowledged: string[] = [];
  for (const count of [50, 500, 1000]) acknowledged.push(...(await killedWriter(folder, count)));
  const trail = openTrail(folder);
  await trail.end();
  const present = new Set(records(folder).map((record) => record['id']));
  t.ok(acknowledged.length >= 1550);
  t.same(
    acknowledged.filter((id) => !present.has(id)),
    [],
  );
  t.equal(ofType(folder, 'audit.recovered').length, 3, 'each unclean end is on record');
  t.match(await verifyAudit(folder), [{ fault: undefined }]);
});

test('a torn last line is cut off, said so, and the chain goes on', async (t) => {
  const folder = t.testdir();
  const before = openTrail(folder);
  await before.stream.commit(exchange('1'));
  await before.end();
  const file = files(folder)[0] ?? '';
  fs.appendFileSync(file, '{"v":1,"seq":4,"stream":"data-1","prev":"sha');
  t.match(await verifyAudit(folder), [{ records: 3, fault: { kind: 'torn-tail', line: 4 } }]);
  const after = openTrail(folder);
  await after.end();
  t.match(ofType(folder, 'audit.recovered'), [{ bytes_cut: 44, last_seq: 3, seq: 4 }]);
  t.match(await verifyAudit(folder), [{ records: 6, fault: undefined }]);
});

test('a segment that a crash left empty, or a tail of zeros after a power cut, does not stop the stream', async (t) => {
  const folder = t.testdir();
  await openTrail(folder).end();
  fs.appendFileSync(files(folder)[0] ?? '', Buffer.alloc(300_000));
  fs.writeFileSync(path.join(folder, 'data-1', '00000002.ndjson'), '', { mode: 0o600 });
  await openTrail(folder).end();
  t.match(ofType(folder, 'audit.recovered'), [{ bytes_cut: 300_000, last_seq: 2 }]);
  t.match(await verifyAudit(folder), [{ segments: 2, records: 5, fault: undefined }]);
});

test('a whole last record that does not verify stops the stream: evidence is not written over', async (t) => {
  const folder = t.testdir();
  await openTrail(folder).end();
  const file = files(folder)[0] ?? '';
  fs.writeFileSync(file, `${lines(folder).join('\n').replace('audit.stop', 'audit.stap')}\n`);
  t.throws(() => openTrail(folder), { code: 'audit-stream-corrupt', message: new RegExp(path.basename(file)) });
});
