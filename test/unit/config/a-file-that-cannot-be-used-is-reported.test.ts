import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import type { World } from '../../../proxy/config/world.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

/** Root may read everything, so the refusal of the system is played. */
function denying(name: string): World {
  const denied = Object.assign(new Error('EACCES'), { code: 'EACCES' });
  return { ...world, readFile: async (path) => (path.endsWith(name) ? Promise.reject(denied) : world.readFile(path)) };
}

test('the configuration itself is missing, a folder, unreadable, too large or not text', async (t) => {
  const file = writeFolder(t.testdir(), good);
  const folder = dirname(file);
  t.match(await problemsOf(join(folder, 'nope.yaml')), ['nope.yaml:1:1: cannot be read: no such file or folder']);
  t.match(await problemsOf(join(file, 'x')), [/cannot be read: a part of the path is not a folder$/]);
  t.match(await problemsOf(join(folder, 'policy')), ['policy:1:1: is a folder, not a file']);
  t.match(await problemsOf('/dev/null'), [/is not a regular file$/]);
  t.match(await problemsOf(file, denying('portcullis.yaml')), [
    'portcullis.yaml:1:1: cannot be read: permission denied',
  ]);
  writeFolder(folder, `${good}#${' '.repeat(1024 * 1024)}`);
  t.match(await problemsOf(file), [/a configuration has at most 1048576/]);
  const latin1: World = { ...world, readFile: async () => Buffer.from('a: \xff\n', 'latin1') };
  t.match(await problemsOf(writeFolder(folder, good), latin1), [
    'portcullis.yaml:1:1: not YAML: the bytes are not UTF-8',
  ]);
});

test('a file that the configuration names is missing, a folder, unreadable or a device', async (t) => {
  const file = writeFolder(t.testdir(), good);
  const folder = dirname(file);
  t.strictSame(await problemsOf(file, denying('order.json')), [
    'portcullis.yaml:24:25: routes[1].body."application/json": cannot read ./order.json: permission denied',
    'portcullis.yaml:26:25: routes[1].response."application/json": cannot read ./order.json: permission denied',
  ]);
  rmSync(join(folder, 'order.json'));
  t.match(await problemsOf(file), [
    /^portcullis.yaml:24:25: .*cannot read \.\/order\.json: no such file or folder$/,
    /^portcullis.yaml:26:25: /,
  ]);
  mkdirSync(join(folder, 'order.json'));
  t.match(await problemsOf(file), [
    /^portcullis.yaml:24:25: .*\.\/order\.json is a folder, not a file$/,
    /^portcullis.yaml:26:25: /,
  ]);
  rmSync(join(folder, 'order.json'), { recursive: true });
  symlinkSync('/dev/zero', join(folder, 'order.json'));
  t.match(await problemsOf(file), [
    /^portcullis.yaml:24:25: .*\.\/order\.json is not a regular file$/,
    /^portcullis.yaml:26:25: /,
  ]);
  const noPolicy = writeFolder(t.testdir(), change('./policy', './polcy'));
  t.match(await problemsOf(noPolicy), [
    /^portcullis.yaml:9:10: policy\.rego\[0\]: cannot read \.\/polcy: no such file/,
  ]);
  const alone = change('rego: [./policy]', 'rego: ./polcy');
  t.match(await problemsOf(writeFolder(t.testdir(), alone)), [
    /:9:9: policy\.rego: cannot read \.\/polcy: no such file/,
  ]);
});

test('the passphrase is readable by others, or empty', async (t) => {
  const file = writeFolder(t.testdir(), good);
  const pass = join(dirname(file), 'pass');
  chmodSync(pass, 0o640);
  t.strictSame(await problemsOf(file), [
    'portcullis.yaml:4:20: identity.passphrase_file: others can reach ./pass (mode 0640); run `chmod 0600 ./pass`',
  ]);
  t.strictSame(await problemsOf(file, { ...world, euid: world.euid + 1 }), [], 'a mounted secret is read as the group');
  chmodSync(pass, 0o644);
  t.match(await problemsOf(file, { ...world, euid: world.euid + 1 }), [/mode 0644/]);
  t.match(await problemsOf(writeFolder(t.testdir(), good, { pass: '\nsecond line' })), [
    /the first line of \.\/pass is empty/,
  ]);
});

test('the state folder is a file, or open to others', async (t) => {
  const asFile = writeFolder(t.testdir(), good, { state: 'x' });
  t.match(await problemsOf(asFile), [/^portcullis.yaml:2:3: identity\.state: \.\/state is not a folder$/]);
  const open = writeFolder(t.testdir(), good);
  mkdirSync(join(dirname(open), 'state'), { mode: 0o755 });
  t.match(await problemsOf(open), [/identity\.state: others can reach \.\/state \(mode 0755\); run `chmod 0700/]);
  chmodSync(join(dirname(open), 'state'), 0o700);
  t.strictSame(await problemsOf(open), []);
});

test('what is wrong inside a JSON file is reported at its own line', async (t) => {
  const within = async (name: string, content: string) =>
    problemsOf(writeFolder(t.testdir(), good, { [name]: content }));
  t.match(await within('data.json', '{\n  "a": 1,\n  "é": tru\n}\n'), [/^data\.json:3:\d+: not valid JSON: /]);
  t.match(await within('data.json', '{ "a": 1,\n  "a": 2 }\n'), [/^data\.json:2:3: not valid JSON: /]);
  t.match(await within('data.json', '[1]\n'), ['data.json:1:1: the policy data must be a JSON object']);
  t.match(await within('order.json', '{\n  "type": "object"\n'), [/^order\.json:\d:\d+: not valid JSON/]);
  t.match(await within('order.json', '{\n\t"type": "string",\n\t"pattern": "(?=a)"\n}\n'), [
    /^order\.json:3:13: pattern .*lookahead.* \(#\/pattern\)$/,
  ]);
  t.match(await within('query.json', '{ "type": "string" }'), [/^query\.json:1:\d+: /]);
});

test('a good configuration names every file that its meaning depends on', async (t) => {
  const file = writeFolder(t.testdir(), good);
  const loaded = await loadConfig(file, world);
  const names = loaded.ok ? loaded.watched.map((path) => path.slice(dirname(file).length + 1)) : loaded.problems;
  t.strictSame(names, ['portcullis.yaml', 'pass', 'policy', 'data.json', 'query.json', 'order.json']);
});

test('a file that is named twice is read once', async (t) => {
  const reads: string[] = [];
  const counting: World = { ...world, readFile: async (path) => (reads.push(path), world.readFile(path)) };
  t.strictSame(await problemsOf(writeFolder(t.testdir(), good), counting), []);
  t.equal(reads.filter((path) => path.endsWith('order.json')).length, 1);
});
