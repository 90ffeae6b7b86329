import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { portcullisIn } from '../harness/command.ts';
import { base, isClear, workloadPort } from '../harness/failed-start.ts';
import { expectNoStart, newFolder, type ProxySetup } from '../harness/proxy.ts';

const main = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url));
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
    name: 'files of the program that nobody has signed, where they have to be',
    config: { installation: { public_key: './key.pem', signature: './sums.sig' } },
    files: { 'key.pem': '', 'sums.sig': '' },
    code: 'installation-altered',
    says: /there is no .*SHA256SUMS to compare with/,
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

type Problem = { readonly file: string; readonly line: number; readonly column: number; readonly message: string };

function check(folder: string): { readonly ok: boolean; readonly problems: readonly Problem[] } {
  const { status, stdout, stderr } = portcullisIn(folder, 'check', '-c', 'portcullis.yaml', '--json');
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
    const { status, stderr } = portcullisIn(folder, 'run', '-c', file);
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
