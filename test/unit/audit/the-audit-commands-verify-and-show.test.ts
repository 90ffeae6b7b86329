import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'tap';
import { auditCommands } from '../../../proxy/cli/audit.ts';
import type { Io } from '../../../proxy/cli/command.ts';
import { runCli } from '../../../proxy/cli/commands.ts';
import { exchange, files, lines, openTrail } from './trail.ts';

async function call(cwd: string, ...words: readonly string[]) {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    env: {},
    cwd,
    now: Date.now,
    color: false,
    onSignal: () => () => undefined,
  };
  return { code: await runCli(auditCommands, ['audit', ...words], io, '0'), ...said };
}

test('verify: 0 and the head when good, 1 and the first bad record when not', async (t) => {
  const folder = path.join(t.testdir(), 'audit');
  const trail = openTrail(folder);
  await trail.stream.commit(exchange('7'));
  await trail.end();
  const cwd = path.dirname(folder);
  t.match(await call(cwd, 'verify', 'audit'), {
    code: 0,
    out: /^ok +data-1: 3 records in 1 file, head sha256:/,
    err: '',
  });
  const file = files(folder)[0] ?? '';
  fs.writeFileSync(file, fs.readFileSync(file, 'latin1').replace('orders.read', 'orders.reed'));
  const bad = await call(cwd, 'verify', 'audit');
  t.equal(bad.code, 1);
  t.match(bad.out, `BAD  data-1: hash-mismatch at ${file}:2, record 2: `);
  const json = await call(cwd, 'verify', 'audit', '--json');
  t.equal(json.code, 1);
  t.match(JSON.parse(json.out), {
    ok: false,
    streams: [{ records: 1, fault: { kind: 'hash-mismatch', line: 2, seq: 2 } }],
  });
});

test('verify: no folder is a usage error, and a folder without a trail is not a good one', async (t) => {
  const cwd = t.testdir({ empty: {} });
  t.match(await call(cwd, 'verify'), { code: 2, err: /exactly one audit folder/ });
  t.match(await call(cwd, 'verify', 'missing'), {
    code: 3,
    err: /error\[audit-unreadable\]: .*missing: no such file or directory\n/,
  });
  t.match(await call(cwd, 'verify', 'empty'), { code: 3, err: /holds no audit stream/ });
});

test('verify: folders without any record are no trail in which every record verifies', async (t) => {
  const cwd = t.testdir({ parent: { audit: {} }, emptied: { 'data-0': { '00000001.ndjson': '' } } });
  for (const folder of ['parent', 'emptied']) {
    t.match(await call(cwd, 'verify', folder), { code: 3, err: /audit-unreadable\]: .* holds no audit record\n/ });
  }
});

test('a file of the trail that cannot be read is named by both, and nobody waits for a pipe', async (t) => {
  const cwd = t.testdir({
    folder: { 'data-0': { '00000001.ndjson': {} } },
    link: { 'data-0': { '00000001.ndjson': t.fixture('symlink', 'gone') } },
    pipe: { 'data-0': {} },
  });
  execFileSync('mkfifo', [path.join(cwd, 'pipe/data-0/00000001.ndjson')]);
  const reasons = {
    folder: 'it is not a regular file',
    link: 'no such file or directory',
    pipe: 'it is not a regular file',
  };
  for (const [folder, why] of Object.entries(reasons)) {
    for (const command of ['verify', 'show']) {
      const { code, err } = await call(cwd, command, folder);
      t.equal(code, 3, `${command} ${folder}`);
      t.match(err, `error[audit-unreadable]: ${cwd}/${folder}/data-0/00000001.ndjson: ${why}\n`);
    }
  }
});

test('show: filtered by type and id, escapes of a client stay escaped', async (t) => {
  const folder = t.testdir();
  const trail = openTrail(folder);
  await trail.stream.commit(exchange('7', { object: { method: 'GET', target: '/\u001b[2J' } }));
  await trail.stream.commit(exchange('8', { reason: 'forbidden', status: 403 }));
  await trail.end();
  const shown = await call(folder, 'show', '.', '--id', '7');
  t.equal(shown.code, 0);
  t.match(
    shown.out,
    /^\S+Z {2}data-1\/2 {2}authz\.allow {2}200 {2}spiffe:\/\/td\.example\/web {2}GET {2}"\/\\u001b\[2J"\n$/,
  );
  const json = await call(folder, 'show', '.', '--type', 'authz.deny', '--json');
  t.equal(json.out, `${lines(folder)[2]}\n`);
  t.match(await call(folder, 'show', '.', '--id', '9'), { code: 1, out: '', err: 'no record matches\n' });
});

test('show: a type that does not exist is a mistake of the call, not a trail without such records', async (t) => {
  const folder = t.testdir();
  await openTrail(folder).end();
  t.match(await call(folder, 'show', '.', '--type', 'authz.denied'), { code: 2, err: "did you mean 'authz.deny'?" });
  t.match(await call(folder, 'show', '.', '--type', 'nope'), {
    code: 2,
    err: /the types are authz\.allow, authz\.deny, /,
  });
});
