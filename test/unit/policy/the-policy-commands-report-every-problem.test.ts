import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { runCli } from '../../../proxy/cli/commands.ts';
import { policyCommands } from '../../../proxy/cli/policy.ts';

async function portcullis(cwd: string, ...words: readonly string[]) {
  let out = '';
  let err = '';
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    env: {},
    cwd,
    now: () => 0,
    color: false,
    onSignal: () => () => undefined,
  };
  const code = await runCli(policyCommands, words, io, '0.0.0');
  return { code, out, err };
}

test('policy build says the revision and writes the bundle folder', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\ndecision := true\n' });
  const call = await portcullis(
    folder,
    'policy',
    'build',
    '--entrypoint',
    'p/decision',
    '--out',
    'out',
    join(folder, 'a.rego'),
  );
  t.equal(call.code, 0, call.err);
  t.match(call.out, /^p\/decision sha256:[0-9a-f]{64}\nwrote /);
  t.same((await readdir(join(folder, 'out'))).sort(), [
    '.manifest',
    'data.json',
    'input-paths.json',
    'plan.json',
    'policy.wasm',
  ]);
});

test('policy build says so when it cannot write where it is told', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\ndecision := true\n' });
  const rego = join(folder, 'a.rego');
  const build = (out: string) =>
    portcullis(folder, 'policy', 'build', rego, '--entrypoint', 'p/decision', '--out', out);
  for (const out of ['a.rego', 'a.rego/b.tar.gz']) {
    const { code, err } = await build(out);
    t.equal(code, 3);
    t.match(err, /^error\[bundle-not-written\]: cannot write the bundle \S+a\.rego\S*: [a-z ]+\n {2}name a folder/);
  }
});

test('policy build shows what OPA says, and refuses what the engine would refuse', async (t) => {
  const folder = t.testdir({
    'bad.rego': 'package p\ndecision := nowhere(1)\n',
    'impure.rego': 'package p\ndecision := rand.intn("x", 2) == 1\n',
  });
  const build = (file: string) =>
    portcullis(folder, 'policy', 'build', '--entrypoint', 'p/decision', join(folder, file));
  t.match(await build('bad.rego'), {
    code: 3,
    err: /error\[rego-does-not-compile\]: .*bad\.rego:2:13: undefined function/,
  });
  t.match(await build('impure.rego'), {
    code: 3,
    err: /error\[builtin-refused\]: .*impure\.rego:2:\d+: the built-in rand\.intn/,
  });
  t.match(await portcullis(folder, 'policy', 'build', '--entrypoint', 'p/decision'), {
    code: 2,
    err: /at least one Rego/,
  });
});

test('policy check lists every problem with its place', async (t) => {
  const folder = t.testdir({
    'a.rego': 'package p\ndecision := true if {\n\tunused := 1\n\thttp.send({}).x\n}\n',
    'fine.rego': 'package q\nallow := true\n',
  });
  const call = await portcullis(folder, 'policy', 'check', join(folder, 'a.rego'));
  t.equal(call.code, 1);
  t.match(call.out, /a\.rego:3:2: assigned var unused unused/);
  t.match(call.out, /a\.rego:4:2: the built-in http\.send is refused/);
  t.match(await portcullis(folder, 'policy', 'check', join(folder, 'fine.rego')), {
    code: 0,
    out: /^no problem; scans of data were not looked for: .* --entrypoint\n$/,
  });
});

test('policy test says which test fails and what it printed', async (t) => {
  const folder = t.testdir({
    'a_test.rego': 'package p_test\n\ntest_good if 1 == 1\n\ntest_bad if {\n\tprint("seen", 7)\n\t1 == 2\n}\n',
  });
  const file = join(folder, 'a_test.rego');
  const call = await portcullis(folder, 'policy', 'test', file);
  t.equal(call.code, 1);
  t.equal(call.out, `fail ${file}:5 data.p_test.test_bad\n    seen 7\n1 pass, 1 fail\n`);
  t.match(await portcullis(folder, 'policy', 'test', '--run', 'good', file), { code: 0, out: '1 pass\n' });
  t.match(await portcullis(folder, 'policy', 'test', '--run', 'nothing', file), {
    code: 1,
    out: /^0 pass: no test was found\b.*test_.*--run/,
  });
  const json = await portcullis(folder, 'policy', 'test', '--json', file);
  t.match(JSON.parse(json.out), [
    { name: 'test_good', outcome: 'pass' },
    { name: 'test_bad', outcome: 'fail', output: 'seen 7\n' },
  ]);
});

test('policy check warns of scans of data that no index can help, and warnings are no problems', async (t) => {
  const rego = `package p
decision if {
\tsome rule in data.rules
\tstartswith(input.path, rule.prefix)
}
decision if {
\tsome rule in data.rules
\trule.name == input.name
}
decision if data.table[input.name]
`;
  const folder = t.testdir({
    'a.rego': rego,
    'a_test.rego': 'package p_test\ntest_scan if { some x in data.xs; x > 1 }\n',
  });
  const check = ['policy', 'check', folder, '--entrypoint'];
  t.match(await portcullis('/', ...check, 'p/decision'), {
    code: 0,
    out: /^\S+a\.rego:3:2: warning: this looks at every element of data\.rules, [^\n]+\n$/,
  });
  t.match(await portcullis('/', ...check, 'data.p.decision'), {
    code: 3,
    out: '',
    err: /^error\[entrypoint-missing\]: no rule is named data\.p\.decision; did you mean p\/decision\?\n/,
  });
  const fast = join(t.testdir({ 'a.rego': 'package p\ndecision if data.table[input.name]\n' }), 'a.rego');
  t.match(await portcullis('/', 'policy', 'check', fast, '--entrypoint', 'p/decision'), {
    code: 0,
    out: 'no problem\n',
  });
});

test('policy fmt lays out what it is given, and with --check only names it', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\na:=1\n', 'bad.rego': 'package p\na := \n' });
  const file = join(folder, 'a.rego');
  t.match(await portcullis(folder, 'policy', 'fmt', '--check', file), { code: 1, out: `${file}\n` });
  t.match(await portcullis(folder, 'policy', 'fmt', file), { code: 0, out: `${file}\n` });
  t.equal(await readFile(file, 'utf8'), 'package p\n\na := 1\n');
  t.match(await portcullis(folder, 'policy', 'fmt', '--check', file), { code: 0, out: '' });
  t.match(await portcullis(folder, 'policy', 'fmt', join(folder, 'bad.rego')), { code: 3, err: /bad\.rego:\d+/ });
});

test('policy fmt names the file that it cannot write', async (t) => {
  const file = join(t.testdir({ 'a.rego': 'package p\na:=1\n' }), 'a.rego');
  await chmod(file, 0o444);
  // Root may write everywhere, so it becomes somebody else for the moment.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    const { code, err } = await portcullis('/', 'policy', 'fmt', file);
    t.equal(code, 3);
    t.match(err, `error[rego-not-written]: cannot write ${file}: permission denied\n  make the file writable`);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test('without a folder for temporary files the compiler says which, and what it needs', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\ndecision := true\n' });
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = '/proc/none';
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });
  const { code, err } = await portcullis('/', 'policy', 'check', folder);
  t.equal(code, 3);
  t.match(
    err,
    'error[compiler-folder-unusable]: cannot write to /proc/none: no such file or directory\n  give this user',
  );
});

test('policy test: a --run that is no pattern is a mistake of the call', async (t) => {
  const folder = t.testdir({ 'a_test.rego': 'package p\ntest_a := true\n' });
  t.match(await portcullis('/', 'policy', 'test', folder, '--run', '('), { code: 2, err: /--run: "\(": missing/ });
});

test("the default policy's own tests pass and are formatted", async (t) => {
  const rego = new URL('../../../policy/rego/', import.meta.url).pathname;
  t.match(await portcullis('/', 'policy', 'test', rego), { code: 0, out: /^\d\d pass\n$/ });
  // Rules that concern every route are looked at with every decision.
  t.match(await portcullis('/', 'policy', 'check', rego), {
    code: 0,
    out: /^\S+authz\.rego:46:\d+: warning: [^\n]+\n$/,
  });
  t.match(await portcullis('/', 'policy', 'fmt', '--check', rego), { code: 0, out: '' });
});
