import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { test } from 'tap';
import { verifyAudit } from '../../../proxy/audit/verify.ts';
import { exchange, files, openTrail } from './trail.ts';

/** A closed trail of about 30 records in several segments. */
async function writeTrail(folder: string): Promise<readonly string[]> {
  const trail = openTrail(folder, { segmentBytes: 6000 });
  for (let n = 1; n <= 30; n++) await trail.stream.commit(exchange(String(n)));
  await trail.end();
  return files(folder);
}

async function firstFault(folder: string) {
  return (await verifyAudit(folder))[0]?.fault;
}

test('a single changed byte anywhere is found', async (t) => {
  const folder = t.testdir();
  const segments = await writeTrail(folder);
  t.equal(await firstFault(folder), undefined, 'the trail itself is good');
  t.ok(segments.length > 3);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), fc.integer({ min: 1, max: 255 }), async (which, where, flip) => {
      const file = segments[which % segments.length] ?? '';
      const good = fs.readFileSync(file);
      const bad = Buffer.from(good);
      const at = where % bad.length;
      bad[at] = (bad[at] ?? 0) ^ flip;
      fs.chmodSync(file, 0o600);
      fs.writeFileSync(file, bad);
      const fault = await firstFault(folder);
      fs.writeFileSync(file, good);
      const line = good.subarray(0, at).toString('latin1').split('\n').length;
      return fault?.file === file && fault.line === line;
    }),
    { numRuns: 300 },
  );
});

test('a dropped, doubled or moved line is found, at the line where it shows', async (t) => {
  const folder = t.testdir();
  const segments = await writeTrail(folder);
  const change = fc.constantFrom('drop', 'double', 'swap', 'move');
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.nat(), change, async (which, where, how) => {
      const file = segments[which % (segments.length - 1)] ?? '';
      const good = fs.readFileSync(file, 'latin1');
      const lines = good.split('\n').slice(0, -1);
      const at = where % (lines.length - 1);
      const line = lines[at] ?? '';
      if (how === 'drop') lines.splice(at, 1);
      if (how === 'double') lines.splice(at, 0, line);
      if (how === 'swap') lines.splice(at, 2, lines[at + 1] ?? '', line);
      if (how === 'move') lines.push(...lines.splice(at, 1));
      fs.chmodSync(file, 0o600);
      fs.writeFileSync(file, `${lines.join('\n')}\n`, 'latin1');
      const fault = await firstFault(folder);
      fs.writeFileSync(file, good, 'latin1');
      return fault?.file === file && fault.line === at + (how === 'double' ? 2 : 1);
    }),
    { numRuns: 100 },
  );
});

test('a removed, swapped, copied, replaced or foreign segment is found', async (t) => {
  const folder = t.testdir();
  const segments = await writeTrail(folder);
  const [first = '', second = '', third = ''] = segments;
  const backup = fs.mkdtempSync(path.join(t.testdirName, '..', 'audit-backup-'));
  t.teardown(() => fs.rmSync(backup, { recursive: true }));
  fs.cpSync(folder, backup, { recursive: true });
  const tampering: [string, () => void, object][] = [
    ['first removed', () => fs.rmSync(first), { kind: 'segment-missing', file: first }],
    ['middle removed', () => fs.rmSync(second), { kind: 'segment-missing', file: second }],
    ['emptied', () => fs.writeFileSync(second, ''), { kind: 'out-of-sequence', file: third, line: 1 }],
    [
      'replaced by an older one',
      () => fs.copyFileSync(first, second),
      { kind: 'out-of-sequence', file: second, line: 1, seq: 1 },
    ],
    [
      'two swapped',
      () => {
        fs.renameSync(second, `${second}.tmp`);
        fs.renameSync(third, second);
        fs.renameSync(`${second}.tmp`, third);
      },
      { kind: 'out-of-sequence', file: second, line: 1 },
    ],
    [
      'copied to the end',
      () => fs.copyFileSync(first, path.join(path.dirname(first), '00000099.ndjson')),
      { kind: 'segment-missing' },
    ],
    ['copied beside', () => fs.copyFileSync(first, `${first}.bak`), { kind: 'unexpected-file', file: `${first}.bak` }],
    ['torn', () => fs.truncateSync(third, fs.statSync(third).size - 1), { kind: 'torn-tail', file: third }],
  ];
  for (const [name, tamper, expected] of tampering) {
    for (const file of segments) fs.chmodSync(file, 0o600);
    tamper();
    t.match(await firstFault(folder), expected, name);
    fs.rmSync(folder, { recursive: true });
    fs.cpSync(backup, folder, { recursive: true });
  }
  fs.renameSync(path.join(folder, 'data-1'), path.join(folder, 'data-2'));
  t.match(
    await firstFault(folder),
    { kind: 'wrong-stream', stream: 'data-2', line: 1 },
    'under the name of another stream',
  );
});

test('a tail that is cut off whole is not found: only the head says so, as the reference admits', async (t) => {
  const folder = t.testdir();
  const last = (await writeTrail(folder)).at(-1) ?? '';
  const [before] = await verifyAudit(folder);
  const lines = fs.readFileSync(last, 'latin1').split('\n').slice(0, -2);
  fs.writeFileSync(last, `${lines.join('\n')}\n`);
  const [after] = await verifyAudit(folder);
  t.equal(after?.fault, undefined);
  t.not(after?.head, before?.head);
  t.equal(after?.records, (before?.records ?? 0) - 1);
});

test('a segment that the proxy begins while its trail is verified is no stranger', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder, { segmentBytes: 2000 });
  for (let n = 1; n <= 10; n++) await trail.stream.commit(exchange(String(n)));
  const before = files(folder).length;
  // What is there is listed at once, and read later.
  const verified = firstFault(folder);
  for (let n = 11; n <= 20; n++) await trail.stream.commit(exchange(String(n)));
  t.ok(files(folder).length > before);
  t.equal(await verified, undefined);
  await trail.end();
});
