import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { expectNoStart, newFolder, type ProxySetup, startProxy, trustDomain } from '../harness/proxy.ts';

const main = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url));
/** Nothing listens there, and nothing has to: no start gets that far. */
const workloadPort = 9;
const base = {
  identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
  listen: '127.0.0.1:0',
  workload: `127.0.0.1:${workloadPort}`,
  policy: { rego: './policy' },
  routes: [{ name: 'any', methods: ['GET'], path: '/{rest...}' }],
  admin: 'unix:./admin.sock',
};
const json = (value: unknown) => JSON.stringify(value);
const withBody = {
  routes: [{ name: 'any', methods: ['POST'], path: '/{rest...}', body: { 'application/json': './order.schema.json' } }],
};

type Case = {
  readonly name: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly code: string;
  readonly says: RegExp;
};

const cases: readonly Case[] = [
  {
    name: 'not YAML',
    files: { 'portcullis.yaml': 'listen: [\n' },
    code: 'config-invalid',
    says: /1 problem\n {2}portcullis\.yaml:\d+:\d+: /,
  },
  {
    name: 'a duplicate key',
    files: { 'portcullis.yaml': `${json(base).slice(0, -1)}, "listen": "127.0.0.1:1"}` },
    code: 'config-invalid',
    says: /portcullis\.yaml:1:\d+: .*listen/,
  },
  {
    name: 'an unknown key with a near name',
    config: { treads: 2 },
    code: 'config-invalid',
    says: /portcullis\.yaml:1:\d+: treads: unknown key.*did you mean.*threads/s,
  },
  {
    name: 'a workload that is not loopback',
    config: { workload: '192.0.2.1:80' },
    code: 'config-invalid',
    says: /192\.0\.2\.1:80 is not loopback: others could reach the workload past this proxy/,
  },
  {
    name: 'a schema file that is missing',
    config: withBody,
    code: 'config-invalid',
    says: /portcullis\.yaml:1:\d+: routes.*cannot read .*order\.schema\.json: no such file or folder/,
  },
  {
    name: 'a schema that is none',
    config: withBody,
    files: { 'order.schema.json': '{\n  "type": "strin"\n}' },
    code: 'config-invalid',
    says: /order\.schema\.json:2:\d+: .*type/,
  },
  {
    name: 'Rego that does not compile',
    files: { 'policy/authz.rego': 'package portcullis.authz\n\ndecision := x\n' },
    code: 'rego-does-not-compile',
    says: /authz\.rego:3:\d+: .*var x is unsafe/,
  },
  {
    name: 'an entrypoint that is missing',
    config: { policy: { rego: './policy', entrypoint: 'portcullis/authz/verdict' } },
    code: 'entrypoint-missing',
    says: /portcullis\/authz\/verdict/,
  },
  {
    name: 'policy data that is no JSON',
    config: { policy: { rego: './policy', data: './data.json' } },
    files: { 'data.json': '{"a": 1,}' },
    code: 'config-invalid',
    says: /data\.json:1:\d+: not valid JSON/,
  },
  {
    name: 'the admin port as the workload, through which the data plane would serve it',
    config: { admin: `127.0.0.1:${workloadPort}` },
    code: 'config-invalid',
    says: /127\.0\.0\.1:9 is the address of `workload` too/,
  },
];

/** The message and what to do, exit code 3, and nothing that only a developer can read. */
function isClear(t: Test, { code, stderr: all }: { code: number | null; stderr: string }, wanted: Omit<Case, 'name'>) {
  // A start that got as far as the CA has logged that.
  const stderr = all.replaceAll(/^\{"ts":.*\}\n/gm, '');
  t.equal(code, 3, stderr);
  t.match(stderr, new RegExp(`^error\\[${wanted.code}\\]: `));
  t.match(stderr, wanted.says);
  t.notMatch(stderr, /\n {4}at |node:internal|\.ts:\d/, 'no stack trace');
  t.match(stderr, /\n {2}\S[^\n]*\n$/, 'the remedy comes last');
}

type Problem = { readonly file: string; readonly line: number; readonly column: number; readonly message: string };

function check(folder: string): { readonly ok: boolean; readonly problems: readonly Problem[] } {
  const words = [main, 'check', '-c', 'portcullis.yaml', '--json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  if (status !== 1 || stderr !== '') throw new Error(`check: exit ${status}: ${stderr}${stdout}`);
  return JSON.parse(stdout) as ReturnType<typeof check>;
}

for (const wanted of cases) {
  test(wanted.name, async (t) => {
    const folder = newFolder(t);
    const { config = {}, files = {} } = wanted;
    const setup: ProxySetup = { workloadPort, folder, config: { ...base, ...config }, files };
    isClear(t, await expectNoStart(t, setup), wanted);
    const { ok, problems } = check(folder);
    t.equal(ok, false);
    t.equal(new Set(problems.map(({ file, line, column }) => `${file}:${line}:${column}`)).size, 1, json(problems));
  });
}

test('check lists the problems of all files at once', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'policy'));
  const config = {
    ...base,
    ...withBody,
    treads: 2,
    workload: '192.0.2.1:80',
    policy: { rego: './policy', data: './d' },
  };
  writeFileSync(join(folder, 'portcullis.yaml'), json(config));
  writeFileSync(join(folder, 'order.schema.json'), '{"type": "strin"}');
  writeFileSync(join(folder, 'policy', 'authz.rego'), 'package portcullis.authz\n\ndecision := x\n');
  writeFileSync(join(folder, 'd'), '{}');
  const said = check(folder).problems.map(({ message }) => message);
  for (const part of [/unknown key/, /not loopback/, /type/, /var x is unsafe/]) {
    t.ok(
      said.some((message) => part.test(message)),
      String(part),
    );
  }
});

test('a configuration that is missing, or a folder', async (t) => {
  const folder = newFolder(t);
  const run = (file: string) => {
    const words = [main, 'run', '-c', file];
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
    return { code: status, stderr };
  };
  const code = 'config-invalid';
  isClear(t, run('none.yaml'), { code, says: /none\.yaml:1:1: cannot be read: no such file/ });
  mkdirSync(join(folder, 'folder'));
  isClear(t, run('folder'), { code, says: /folder:1:1: is a folder, not a file/ });
});

/** What to put in front of a command to run it as somebody who is not root; undefined where that cannot be. */
function asNobody(): readonly string[] | undefined {
  const become = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  // tap makes each child process report to a folder that is closed to others.
  const words = ['-u', 'NODE_OPTIONS', ...become, process.execPath];
  // The whole way to this tree has to be open to others, as it is in a container and is not in a home folder.
  const probe = spawnSync('env', [...words, '-e', `require('node:fs').readFileSync(${json(main)})`]);
  return probe.status === 0 ? ['env', ...words.slice(0, -1)] : undefined;
}

test('a configuration that this user cannot read, and a port that it may not have', async (t) => {
  const wrap = asNobody();
  if (wrap === undefined) return t.pass('skipped: this user cannot become another one');
  const folder = newFolder(t);
  chmodSync(folder, 0o777);
  const setup: ProxySetup = { workloadPort, folder, config: base, wrap };
  const privileged = await expectNoStart(t, { ...setup, config: { ...base, listen: '127.0.0.1:443' } });
  isClear(t, privileged, { code: 'config-invalid', says: /listen: this user may not listen on port 443/ });
  chmodSync(join(folder, 'portcullis.yaml'), 0o000);
  const unreadable = spawnSync(
    wrap[0] ?? '',
    [...wrap.slice(1), process.execPath, main, 'run', '-c', 'portcullis.yaml'],
    { cwd: folder, encoding: 'utf8' },
  );
  return isClear(
    t,
    { code: unreadable.status, stderr: unreadable.stderr },
    { code: 'config-invalid', says: /portcullis\.yaml:1:1: cannot be read: permission denied/ },
  );
});

test('a port in use, by a stranger and by a portcullis, which shares its port among its threads', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const taken = (server.address() as AddressInfo).port;
  const stranger = await expectNoStart(t, { workloadPort, config: { ...base, listen: `127.0.0.1:${taken}` } });
  isClear(t, stranger, {
    code: 'port-in-use',
    says: new RegExp(`listen: another process listens on 127.0.0.1:${taken}`),
  });

  const first = await startProxy(t, { workloadPort, config: { ...base, threads: 2 } });
  const listen = `127.0.0.1:${first.port}`;
  const second = await expectNoStart(t, { workloadPort, config: { ...base, listen, threads: 2 } });
  isClear(t, second, { code: 'port-in-use', says: new RegExp(`another process listens on ${listen}`) });

  const admin = `unix:${join(first.folder, 'admin.sock')}`;
  const sameSocket = await expectNoStart(t, { workloadPort, config: { ...base, admin } });
  isClear(t, sameSocket, { code: 'port-in-use', says: /admin: another process listens on .*admin\.sock/ });

  const audit = { folder: join(first.folder, 'audit') };
  const sameAudit = await expectNoStart(t, { workloadPort, config: { ...base, audit } });
  const holder = new RegExp(`audit is being written by process ${first.child.pid}`);
  isClear(t, sameAudit, { code: 'audit-folder-locked', says: holder });
  t.equal((await first.admin('/readyz')).status, 200, 'the first one does not notice');
  t.equal(await first.stop(), 0);
});

test('an audit stream whose end does not verify, of the main thread or of a data thread', async (t) => {
  const folder = newFolder(t);
  const setup: ProxySetup = { workloadPort, folder, config: base };
  const proxy = await startProxy(t, setup);
  t.equal(await proxy.stop(), 0);
  for (const stream of ['data-0', 'control']) {
    const file = join(folder, 'audit', stream, '00000001.ndjson');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace(/"hash":"sha256:....([0-9a-f]{60}"\}\n)$/, '"hash":"sha256:0000$1'));
    const says = new RegExp(`the last record of .*${stream}/00000001.ndjson does not verify: hash-mismatch`);
    isClear(t, await expectNoStart(t, setup), { code: 'audit-stream-corrupt', says });
    writeFileSync(file, good);
  }
  const again = await startProxy(t, setup);
  t.equal(await again.stop(), 0);
});

test('an audit folder that others may write to, and a state folder that others may read', async (t) => {
  const folder = newFolder(t);
  mkdirSync(join(folder, 'audit'));
  chmodSync(join(folder, 'audit'), 0o777);
  isClear(t, await expectNoStart(t, { workloadPort, folder, config: base }), {
    code: 'audit-folder-unusable',
    says: /audit can be written by other users \(mode 777\)/,
  });
  rmSync(join(folder, 'audit'), { recursive: true });
  chmodSync(join(folder, 'state'), 0o755);
  isClear(t, await expectNoStart(t, { workloadPort, folder, config: base }), {
    code: 'config-invalid',
    says: /others can reach .*state \(mode 0755\); run `chmod 0700/,
  });
});
