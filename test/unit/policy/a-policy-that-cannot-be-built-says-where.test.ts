import { execFileSync } from 'node:child_process';
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { buildPolicy } from '../../../policy/compiler/compile.ts';
import { parseData } from '../../../policy/bundle/data-file.ts';

const entrypoint = 'p/decision';

test('OPA says what does not compile, for every file at once, with file, line and column', async (t) => {
  const folder = t.testdir({
    rego: {
      'a.rego': 'package p\n\ndecision := true if {\n\tinput.x == \n}\n',
      below: { 'b.rego': 'package q\nallow {\n' },
      'notes.txt': 'not Rego',
    },
  });
  const built = buildPolicy({ regoPaths: [join(folder, 'rego')], entrypoint });
  const error = (await built.catch((thrown: unknown) => thrown)) as Record<string, unknown>;
  t.match(error, { code: 'rego-does-not-compile', name: 'PolicyError' });
  t.match(error['diagnostics'], [
    { file: join(folder, 'rego/a.rego'), line: 5, column: 1, code: 'rego_parse_error', message: /unexpected/ },
    { file: join(folder, 'rego/below/b.rego'), line: 3, code: 'rego_parse_error' },
  ]);
  t.match(error['message'], `${join(folder, 'rego/a.rego')}:5:1: unexpected }`);
});

test('all type errors are listed, beyond the ten that OPA stops at', async (t) => {
  const rules = Array.from({ length: 15 }, (_, index) => `r${index} := nowhere(${index})`);
  const folder = t.testdir({ 'a.rego': ['package p', 'decision := true', ...rules].join('\n') });
  await t.rejects(buildPolicy({ regoPaths: [folder], entrypoint }), {
    code: 'rego-does-not-compile',
    message: /a\.rego:17:\d+: undefined function nowhere$/,
    diagnostics: { length: 15 },
  });
});

test('an entrypoint that no rule has is named', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\ndecision := true\n' });
  await t.rejects(buildPolicy({ regoPaths: [folder], entrypoint: 'p/decisoin' }), {
    code: 'entrypoint-missing',
    message: 'no rule is named p/decisoin; the policy has p/decision',
  });
});

test('a path without Rego is refused, and tests are not Rego to serve', async (t) => {
  const folder = t.testdir({ empty: {}, tests: { 'a_test.rego': 'package p\ndecision := true\n' } });
  for (const path of ['empty', 'tests', 'absent']) {
    const regoPaths = [join(folder, path)];
    await t.rejects(buildPolicy({ regoPaths, entrypoint }), { code: 'rego-missing', message: new RegExp(path) }, path);
  }
});

test('a pipe in place of Rego is not waited for', async (t) => {
  const folder = t.testdir();
  execFileSync('mkfifo', [join(folder, 'a.rego')]);
  for (const path of [folder, join(folder, 'a.rego')]) {
    await t.rejects(buildPolicy({ regoPaths: [path], entrypoint }), {
      code: 'rego-unreadable',
      message: /a\.rego: it is not a regular file/,
    });
  }
});

test('Rego that is not UTF-8 is refused', async (t) => {
  const folder = t.testdir({ 'a.rego': Buffer.from([0x70, 0xff]) });
  await t.rejects(buildPolicy({ regoPaths: [folder], entrypoint }), { code: 'rego-unreadable', message: /a\.rego/ });
});

test('data that is absent or no JSON object is refused with its place', async (t) => {
  const folder = t.testdir({ 'a.rego': 'package p\ndecision := true\n', 'bad.json': '{\n  "a": 1,\n  "a": 2\n}\n' });
  const build = (dataFile: string) =>
    buildPolicy({ regoPaths: [folder], dataFile: join(folder, dataFile), entrypoint });
  await t.rejects(build('absent.json'), { code: 'data-missing', message: /absent\.json: no such file or directory/ });
  await t.rejects(build('bad.json'), { code: 'data-invalid', message: /bad\.json:3:\d+: / });
  truncateSync(join(folder, 'bad.json'), 200 * 1024 * 1024);
  await t.rejects(build('bad.json'), {
    code: 'policy-too-large',
    message: /bad\.json has more than the 67108864 bytes/,
  });
  // What has no size is read no further.
  const dataFile = '/dev/zero';
  await t.rejects(buildPolicy({ regoPaths: [folder], dataFile, entrypoint }), { code: 'policy-too-large' });
  const rows: readonly (readonly [string, string])[] = [
    ['', 'd.json:1:1'],
    ['[]', 'd.json:1:1'],
    ['null', 'd.json:1:1'],
    ['{"a": tru}', 'd.json:1:'],
    ['{\n"ä": [1,,2]}', 'd.json:2:'],
    ['\ufeff{}', 'd.json:1:1'],
    [`${'{"a":'.repeat(100)}1${'}'.repeat(100)}`, 'd.json:1:'],
    ['{"__proto__": {}}', 'd.json:1:'],
  ];
  for (const [text, place] of rows) {
    t.throws(
      () => parseData('d.json', Buffer.from(text)),
      { code: 'data-invalid', message: new RegExp(`^${place}`) },
      text,
    );
  }
  t.same(parseData('d.json', Buffer.from('{"a":[1]}')), { a: [1] });
});
