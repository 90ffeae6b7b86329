import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';
import type { PolicyBundle } from '../../../policy/bundle/bundle.ts';
import { loadBundle } from '../../../policy/bundle/load.ts';
import { writeBundle } from '../../../policy/bundle/write.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { defaultSettings, type EngineName } from '../../../policy/engines/settings.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';
import { cacheFolder, type Content, entrypoint, load, opaBundle, packed, rego, writeContent } from './archives.ts';

const settings = (engine: EngineName) => ({ ...defaultSettings, engine, verify: { share: 1, refuse: true } });

const decide = async (bundle: PolicyBundle, user: string, engine: EngineName = 'verify') =>
  (await openEngine(bundle, settings(engine))).decide({ user } as unknown as PolicyInput);

const compiled = compileRules('decision := data.users.admin == input.user', entrypoint, '{"users":{"admin":"x"}}');

/** What `opa build` makes of the same policy for its targets; wasm is left without the Rego of the entrypoint. */
async function targets() {
  const { wasm, plan } = await compiled;
  const data = '{"users":{"admin":"x"}}\n';
  const pruned = 'package test\n\nimport data.test.decision\n';
  const manifest = JSON.stringify({
    revision: '',
    roots: [''],
    wasm: [{ entrypoint, module: '/policy.wasm' }],
    rego_version: 1,
  });
  return {
    wasm: { '/data.json': data, '/policy/p.rego': pruned, '/policy.wasm': wasm, '/.manifest': manifest },
    plan: { '/data.json': data, '/plan.json': plan },
    all: { '/data.json': data, '/plan.json': plan, '/policy.wasm': wasm },
  };
}

test('a bundle of Rego is compiled here and keeps its revision as a name', async (t) => {
  const bundle = await load(opaBundle);
  t.equal(bundle.name, 'v1.2');
  t.match(bundle.revision, /^sha256:[0-9a-f]{64}$/);
  t.strictSame(await decide(bundle, 'x'), [{ result: true }]);
  t.strictSame(await decide(bundle, 'y'), [{ result: false }]);
  const renamed = await load({ ...opaBundle, '/.manifest': '{"revision":"v2"}' });
  t.equal(renamed.revision, bundle.revision, 'a name decides nothing');
  const { '/.manifest': _, ...bare } = opaBundle;
  t.equal((await load(bare)).name, undefined);
});

test('a folder with the same files is the same policy, links of Kubernetes and hidden files included', async (t) => {
  const folder = writeContent(t.testdir(), { ...opaBundle, '.git/data.json': '{', '..2026/data.json': '{}' });
  rmSync(join(folder, 'policy/p.rego'));
  writeFileSync(join(folder, '..2026/p.rego'), rego);
  symlinkSync('../..2026/p.rego', join(folder, 'policy/p.rego'));
  t.equal((await loadBundle({ path: folder, entrypoint, cacheFolder })).revision, (await load(opaBundle)).revision);
});

test('without whole Rego the artefacts run, each in its engine', async (t) => {
  const { wasm, plan, all } = await targets();
  t.strictSame(await decide(await load(wasm), 'x', 'wasm'), [{ result: true }]);
  t.strictSame(await decide(await load(plan), 'x', 'plan'), [{ result: true }]);
  t.strictSame(await decide(await load(all), 'y'), [{ result: false }]);
  const lacks = { code: 'bundle-unsuitable' };
  for (const engine of ['plan', 'verify'] as const) {
    const onlyWasm = await load(wasm);
    await t.rejects(decide(onlyWasm, 'x', engine), { ...lacks, message: /needs plan\.json/ });
  }
  const onlyPlan = await load(plan);
  await t.rejects(decide(onlyPlan, 'x', 'wasm'), { ...lacks, message: /needs policy\.wasm/ });
});

test('what OPA took out of the Rego is not undefined here', async (t) => {
  const { wasm } = await targets();
  const other = { ...wasm, '/policy/other.rego': 'package other\n\ndecision := data.test.decision\n' };
  await t.rejects(load(other, 'other/decision'), {
    code: 'entrypoint-missing',
    message: /the policy has test\/decision/,
  });
});

test('our own bundle, as a folder and as an archive, is the same policy and the same bytes each time', async (t) => {
  const bundle = await compiled;
  const folder = t.testdir();
  const archives = [join(folder, 'a.tar.gz'), join(folder, 'sub/b.tar.gz')];
  for (const archive of archives) t.strictSame(await writeBundle(archive, bundle), [archive]);
  const [one, other] = archives.map((archive) => readFileSync(archive));
  t.ok(one?.equals(other ?? Buffer.alloc(0)), 'deterministic');
  const files = await writeBundle(join(folder, 'unpacked'), bundle);
  t.equal(files.length, 5);
  for (const path of [...archives, join(folder, 'unpacked')]) {
    const loaded = await loadBundle({ path, entrypoint });
    t.equal(loaded.revision, bundle.revision);
    t.strictSame(loaded.inputPaths, [['user']], 'what it reads of the input is known without its Rego');
    t.strictSame(await decide(loaded, 'x'), [{ result: true }]);
  }
});

test('a file of our own bundle that is not what the manifest says is refused', async (t) => {
  const bundle = await compiled;
  const folder = mkdtempSync(join(tmpdir(), 'pc-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const tamper: readonly (readonly [string, (path: string) => void, RegExp])[] = [
    ['data.json', (path) => writeFileSync(path, '{"users":{"admin":"mallory"}}\n'), /data\.json is not what/],
    ['policy.wasm', (path) => writeFileSync(path, readFileSync(path).subarray(0, -1)), /policy\.wasm is not what/],
    ['plan.json', (path) => writeFileSync(path, '{}'), /plan\.json is not what/],
    ['plan.json', rmSync, /plan\.json is missing/],
    ['extra.rego', (path) => writeFileSync(path, rego), /extra\.rego is not what/],
    ['more/data.json', (path) => writeContent(path.slice(0, -9), { 'data.json': '1' }), /more\/data\.json is not what/],
  ];
  for (const [index, [name, change, message]] of tamper.entries()) {
    const path = join(folder, String(index));
    await writeBundle(path, bundle);
    change(join(path, name));
    await t.rejects(loadBundle({ path, entrypoint }), { code: 'bundle-corrupt', message });
  }
  const path = join(folder, 'other-version');
  await writeBundle(path, bundle);
  const text = readFileSync(join(path, '.manifest'), 'utf8');
  writeFileSync(join(path, '.manifest'), text.replace(/"capabilities":"sha256:./, '"capabilities":"sha256:-'));
  await t.rejects(loadBundle({ path, entrypoint }), {
    code: 'bundle-capabilities',
    message: /made for the capabilities/,
  });
});

test('data of each folder stands at its place', async (t) => {
  const { data } = await load({
    '/p.rego': rego,
    '/data.json': '{"a":{"b":1}}',
    '/a/data.json': '{"c":2}',
    '/users/admin/data.json': '"x"',
    '/y/data.yaml': 'list: [1, two]\nnothing: ~\n',
    '/__proto__/data.json': '{"polluted":true}',
    '/readme.md': 'not data',
  });
  t.strictSame(
    JSON.parse(JSON.stringify(data)),
    JSON.parse(
      '{"a":{"b":1,"c":2},"users":{"admin":"x"},"y":{"list":[1,"two"],"nothing":null},"__proto__":{"polluted":true}}',
    ),
  );
  t.notOk('polluted' in {});
});

/** Rego v0, which has no `if`. */
const old = 'package test\n\ndecision { input.user == data.users.admin }\n';

const manifest = (text: string): Content => ({ ...opaBundle, '/.manifest': text });

const refused: readonly (readonly [what: string, content: Content | Uint8Array, code: string, says: RegExp])[] = [
  ['nothing in it', {}, 'bundle-invalid', /neither Rego nor policy\.wasm nor plan\.json/],
  ['a type error', { '/p.rego': 'package test\n\ndecision := count(1)\n' }, 'rego-does-not-compile', /p\.rego:3:13: /],
  ['Rego that is not UTF-8', { '/p.rego': Uint8Array.of(0xff) }, 'bundle-invalid', /p\.rego is not UTF-8/],
  ['no entrypoint', { '/p.rego': 'package test\n\nother := 1\n' }, 'entrypoint-missing', /decision/],
  ['a refused built-in', { '/p.rego': 'package test\n\ndecision := http.send({})\n' }, 'builtin-refused', /http\.send/],
  ['Rego v0 in a bundle of v1', { '/p.rego': old }, 'rego-does-not-compile', /p\.rego:3:1: `if` keyword is required/],
  ['a signature', { ...opaBundle, '/.signatures.json': '{"signatures":["x"]}' }, 'bundle-signed', /is signed/],
  ['a delta', { '/patch.json': '{"data":[]}' }, 'bundle-invalid', /patch\.json, which is not supported/],
  ['a manifest as protobuf', { ...opaBundle, '/.manifest.pb': '' }, 'bundle-invalid', /\.manifest\.pb, which/],
  ['a second manifest', { ...opaBundle, '/a/.manifest': '{}' }, 'bundle-invalid', /a\/\.manifest, which/],
  ['a manifest that is no JSON', manifest('{'), 'bundle-invalid', /\.manifest: /],
  ['a manifest that says a thing twice', manifest('{"roots":["a"],"roots":[""]}'), 'bundle-invalid', /\.manifest: /],
  ['a manifest that is a list', manifest('[]'), 'bundle-invalid', /not an object/],
  ['an unknown key', manifest('{"signed_by":"me"}'), 'bundle-invalid', /"signed_by" is not known/],
  [
    'an unknown resolver',
    manifest('{"wasm":[{"entrypoint":"a","module":"/b.wasm"}]}'),
    'bundle-invalid',
    /names b\.wasm, which is not there/,
  ],
  [
    'a resolver with more',
    manifest('{"wasm":[{"entrypoint":"a","module":"b","x":1}]}'),
    'bundle-invalid',
    /"x" is not known/,
  ],
  ['a Rego version of the future', manifest('{"rego_version":3}'), 'bundle-invalid', /rego_version is 3/],
  ['a glob that is none', manifest('{"file_rego_versions":{"/[":1}}'), 'bundle-invalid', /file_rego_versions: glob/],
  ['a member of the wrong type', manifest('{"file_rego_versions":{"/a":2}}'), 'bundle-invalid', /\/a is 2; only/],
  [
    'an entrypoint with two modules',
    {
      '/a.wasm': '',
      '/.manifest': '{"wasm":[{"entrypoint":"a","module":"/a.wasm"},{"entrypoint":"a","module":"/a.wasm"}]}',
    },
    'bundle-invalid',
    /"a" has two wasm modules/,
  ],
  [
    'a package outside of its roots',
    { '/p.rego': rego, '/q.rego': 'package other\n', '/.manifest': '{"roots":["test","users"]}' },
    'bundle-invalid',
    /b\.tar\.gz\/q\.rego:1:1: the roots \["test","users"\] of the manifest do not permit the package data\.other$/,
  ],
  [
    'a package whose name has the slash of its root',
    { '/p.rego': rego, '/q.rego': 'package test["a/b"]\n', '/.manifest': '{"roots":["test/decision", "test/a"]}' },
    'bundle-invalid',
    /q\.rego:1:1: the roots .* do not permit the package data\.test\["a\/b"\]$/m,
  ],
  [
    'data where a rule is',
    { '/p.rego': rego, '/data.json': '{"a":1}', '/test/data.json': '{"decision":true}' },
    'data-conflict',
    /^b\.tar\.gz\/p\.rego:3:1: the rule data\.test\.decision lies where b\.tar\.gz\/test\/data\.json has data at data\.test\.decision$/,
  ],
  [
    'data that is no object above a rule',
    { '/p.rego': rego, '/data.json': '{"test":[]}' },
    'data-conflict',
    /lies where b\.tar\.gz\/data\.json has data at data\.test$/,
  ],
  ['a test that is no Rego', { '/p.rego': rego, '/p_test.rego': 'package' }, 'rego-does-not-compile', /p_test\.rego:1/],
  ['roots that overlap', manifest('{"roots":["a","a/b"]}'), 'bundle-invalid', /overlap/],
  ['roots that are no list', manifest('{"roots":"a"}'), 'bundle-invalid', /roots is not a list/],
  ['data outside of its roots', manifest('{"roots":["test"]}'), 'bundle-invalid', /do not permit data at users/],
  ['an entrypoint outside of its roots', manifest('{"roots":["users"]}'), 'entrypoint-missing', /outside of its roots/],
  ['data that is no JSON', { '/p.rego': rego, '/data.json': '{"a":}' }, 'data-invalid', /b\.tar\.gz\/data\.json:1:6: /],
  ['data that is a list', { '/p.rego': rego, '/data.json': '[]' }, 'data-invalid', /must be an object/],
  [
    'data that says a thing twice',
    { '/p.rego': rego, '/a/data.json': '{"a":1,"a":2}' },
    'data-invalid',
    /a\/data\.json:1:/,
  ],
  ['YAML that is none', { '/p.rego': rego, '/data.yaml': 'a: [' }, 'data-invalid', /data\.yaml: /],
  [
    'data for one place twice',
    { '/p.rego': rego, '/data.json': '{"a":{"b":1}}', '/a/data.json': '{"b":1}' },
    'bundle-invalid',
    /^b\.tar\.gz\/a\/data\.json: b\.tar\.gz\/data\.json has data\.a\.b already/,
  ],
  [
    'data.json and data.yaml that disagree',
    { '/p.rego': rego, '/data.json': '{"a":1}', '/data.yaml': 'a: 1' },
    'bundle-invalid',
    /^b\.tar\.gz\/data\.yaml: b\.tar\.gz\/data\.json has data\.a already/,
  ],
  [
    'data of 65 MiB',
    packed({ '/p.rego': rego, '/data.json': `["${'x'.repeat(65 * 2 ** 20)}"]` }),
    'policy-too-large',
    /more than \d+ bytes/,
  ],
  ['wasm that is cut', { '/policy.wasm': Uint8Array.of(0, 97, 115, 109, 1) }, 'wasm-invalid', /no WebAssembly module/],
  ['a plan that is none', { '/plan.json': '{' }, 'bundle-invalid', /plan\.json is not a plan/],
];

for (const [what, content, code, message] of refused) {
  test(`refused: ${what}`, async (t) => {
    const run = async () => {
      const bundle = await load(content);
      await openEngine(bundle, settings(bundle.plan === '' ? 'wasm' : 'plan'));
    };
    await t.rejects(run(), { code, message });
  });
}

test('a file of 200 MB or one that is not there is refused before it is read', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'data.json');
  writeFileSync(path, '');
  truncateSync(path, 200 * 1024 * 1024);
  await t.rejects(loadBundle({ path: folder, entrypoint }), { code: 'policy-too-large', message: /209715200 bytes/ });
  await t.rejects(loadBundle({ path, entrypoint }), { code: 'policy-too-large' });
  await t.rejects(loadBundle({ path: join(folder, 'none.tar.gz'), entrypoint }), {
    code: 'bundle-missing',
    message: /no such file or directory/,
  });
});

test('digests are SHA-256 in hexadecimal', async (t) => {
  const files = await writeBundle(t.testdir(), await compiled);
  const { metadata } = JSON.parse(readFileSync(files[0] ?? '', 'utf8')) as {
    metadata: { portcullis: { files: Record<string, string> } };
  };
  for (const path of files.slice(1)) {
    const digest = createHash('sha256').update(readFileSync(path)).digest('hex');
    t.equal(metadata.portcullis.files[path.split('/').at(-1) ?? ''], digest);
  }
});
