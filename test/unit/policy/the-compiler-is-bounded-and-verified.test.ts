import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { buildPolicy, testPolicy } from '../../../policy/compiler/compile.ts';
import { type StandbyCompiler, standbyCompiler } from '../../../policy/compiler/standby.ts';
import { readSources } from '../../../policy/compiler/sources.ts';

const compiler = fileURLToPath(new URL('../../../policy/compiler/', import.meta.url));
const entrypoint = 'p/decision';
const endlessTest = `package p_test
test_endless if count({[x, y] | some x in numbers.range(1, 9999); some y in numbers.range(1, 9999)}) > 0
`;
const rego = { 'a.rego': 'package p\ndecision := input.x == data.y\n' };

const ask = (...words: readonly string[]) =>
  spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8' }).stdout.trim();
/** Those that run OPA's compiler; the test's own runner may have others. */
const childrenOf = (pid: number | undefined) => ask('pgrep', '-P', String(pid), '-f', 'compiler/child');

/** A zombie is dead, and merely not buried: in a container there may be nobody to do it. */
async function gone(pid: string): Promise<void> {
  while (/^[^Z]/.test(ask('ps', '-o', 'stat=', '-p', pid))) await setImmediate();
}

test('an artefact that is not what its digest says is not even unpacked', async (t) => {
  const folder = t.testdir({ rego, artefact: {} });
  const artefactFolder = join(folder, 'artefact');
  for (const file of ['opa.wasm.zst', 'opa.wasm.zst.sha256'])
    await copyFile(join(compiler, file), join(artefactFolder, file));
  const bytes = await readFile(join(artefactFolder, 'opa.wasm.zst'));
  bytes[1_000_000] = (bytes[1_000_000] ?? 0) ^ 1;
  await writeFile(join(artefactFolder, 'opa.wasm.zst'), bytes);
  const built = buildPolicy({ regoPaths: [join(folder, 'rego')], entrypoint, compiler: { artefactFolder } });
  await t.rejects(built, { code: 'compiler-damaged', message: /opa\.wasm\.zst/ });
});

test('a compiler that takes too long is killed', async (t) => {
  const regoPaths = [t.testdir({ 'a_test.rego': endlessTest })];
  await t.rejects(testPolicy({ regoPaths, compiler: { timeoutMs: 1500 } }), {
    code: 'compiler-timeout',
    message: /1500 ms/,
  });
});

test('a compiler that takes more memory than it may ends, and says so', async (t) => {
  const regoPaths = [t.testdir(rego)];
  // Less than the module asks for at its start: the limit is the same one that stops it from growing later.
  await t.rejects(buildPolicy({ regoPaths, entrypoint, compiler: { maxMemoryBytes: 16 * 1024 * 1024 } }), {
    code: 'compiler-failed',
    message: /memory/i,
  });
});

test('a compiler ends when the process that started it is killed', async (t) => {
  const folder = t.testdir({ 'a_test.rego': endlessTest });
  const compile = new URL('../../../policy/compiler/compile.ts', import.meta.url).href;
  const script = `const { testPolicy } = await import(${JSON.stringify(compile)});
    await testPolicy({ regoPaths: [${JSON.stringify(folder)}] });`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  while (childrenOf(parent.pid) === '') await setImmediate();
  const child = childrenOf(parent.pid);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  await gone(child);
  t.pass('both are gone');
});

test('a compiler on standby does one job after another, is replaced when it has died, and ends when it is told to', async (t) => {
  const folder = t.testdir({ good: rego, bad: { 'a.rego': 'package p\ndecision := {' } });
  const standby = standbyCompiler();
  t.teardown(standby.end);
  const build = (name: string, asked: StandbyCompiler = standby) =>
    buildPolicy({ regoPaths: [join(folder, name)], entrypoint, compiler: { standby: asked } });
  standby.prepare();
  const [first, second] = await Promise.all([build('good'), build('good')]);
  t.same(first, second);
  const process1 = childrenOf(process.pid);
  t.match(process1, /^\d+$/, 'one process');
  await t.rejects(build('bad'), { code: 'rego-does-not-compile' });
  t.equal(childrenOf(process.pid), process1, 'a policy that is wrong is an answer');
  const killedJustBefore: StandbyCompiler = {
    ...standby,
    run: (files) => {
      process.kill(Number(process1), 'SIGKILL');
      return standby.run(files);
    },
  };
  t.same(await build('good', killedJustBefore), first, 'a job that comes before the news of its death');
  const process2 = childrenOf(process.pid);
  t.not(process2, process1);
  standby.end();
  await gone(process2);
  t.equal(childrenOf(process.pid), '');
});

test('what a killed run has left behind goes with a later one, and what is younger stays', async (t) => {
  const [old, young] = await Promise.all([0, 1].map(() => mkdtemp(join(tmpdir(), 'portcullis-policy-'))));
  if (old === undefined || young === undefined) throw new Error('no folders');
  t.teardown(() => Promise.all([old, young].map((folder) => rm(folder, { recursive: true, force: true }))));
  await writeFile(join(old, 'job.json'), '{}');
  const { mtimeMs } = await stat(old);
  await utimes(old, new Date(mtimeMs - 7_200_000), new Date(mtimeMs - 7_200_000));
  await buildPolicy({ regoPaths: [t.testdir(rego)], entrypoint });
  await t.rejects(stat(old), { code: 'ENOENT' });
  t.ok((await stat(young)).isDirectory());
});

test('the cache is used, is refused when damaged, and does not know data', async (t) => {
  const folder = t.testdir({ rego, 'one.json': '{"y": 1}', 'two.json': '{"y": 2}' });
  const cacheFolder = join(folder, 'cache');
  const unusable = { artefactFolder: join(folder, 'absent') };
  const build = (dataFile: string, options: object = {}) =>
    buildPolicy({
      regoPaths: [join(folder, 'rego')],
      dataFile: join(folder, dataFile),
      entrypoint,
      cacheFolder,
      ...options,
    });
  const first = await build('one.json');
  const again = await build('one.json', { compiler: unusable });
  t.same(again, first, 'built without a compiler');
  const other = await build('two.json', { compiler: unusable });
  t.not(other.revision, first.revision, 'other data is another revision');
  t.same(other.wasm, first.wasm);

  const [entry] = await readdir(cacheFolder);
  const file = join(cacheFolder, entry ?? '');
  await writeFile(file, (await readFile(file, 'utf8')).replace('"plan":"', '"plan":" '));
  await t.rejects(
    build('one.json', { compiler: unusable }),
    { code: 'compiler-failed' },
    'a damaged entry is not used',
  );
  t.same(await build('one.json'), first, 'but made again');
  await writeFile(join(folder, 'rego/a.rego'), 'package p\ndecision := false\n');
  await t.rejects(
    build('one.json', { compiler: unusable }),
    { code: 'compiler-failed' },
    'other Rego is another entry',
  );
});

test('a policy has one revision wherever its folder lies', async (t) => {
  const folder = t.testdir({ here: { rego }, there: { below: { rego: { ...rego } } } });
  const [here, there] = await Promise.all(
    ['here/rego', 'there/below/rego'].map((path) => buildPolicy({ regoPaths: [join(folder, path)], entrypoint })),
  );
  t.equal(here?.revision, there?.revision);
  t.ok(Object.isFrozen(here));
});

test('a mounted ConfigMap, which holds every file twice, is read once', async (t) => {
  const folder = t.testdir({
    '..2026_11_21': rego,
    '..data': t.fixture('symlink', '..2026_11_21'),
    'a.rego': t.fixture('symlink', '..data/a.rego'),
  });
  const [mounted, plain] = await Promise.all(
    [folder, join(folder, 'a.rego')].map((path) => readSources([path], 'policy')),
  );
  t.equal(mounted?.files.length, 1);
  t.same(mounted?.files[0]?.text, plain?.files[0]?.text);
});

test('the cache keeps the sixteen newest entries and leaves other files alone', async (t) => {
  const old = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`${String(index).padStart(64, '0')}.json`, 'x']),
  );
  const folder = t.testdir({ rego: { ...rego }, cache: { ...old, 'mine.json': 'kept' } });
  const cacheFolder = join(folder, 'cache');
  const request = { regoPaths: [join(folder, 'rego')], entrypoint, cacheFolder };
  const built = await buildPolicy(request);
  const names = await readdir(cacheFolder);
  t.equal(names.length, 17);
  t.ok(names.includes('mine.json'));
  const unusable = { artefactFolder: join(folder, 'absent') };
  t.same(await buildPolicy({ ...request, compiler: unusable }), built, 'the new entry is among them');
});

test('the rebuild check says clearly that Go is missing', (t) => {
  const build = join(compiler, 'build.mjs');
  const { status, stderr } = spawnSync(process.execPath, [build, '--check'], {
    env: { PATH: '/nowhere' },
    encoding: 'utf8',
  });
  t.equal(status, 3);
  t.match(stderr, /Go is not installed or not on the PATH; go1\.\d+\.\d+ builds/);
  t.end();
});
