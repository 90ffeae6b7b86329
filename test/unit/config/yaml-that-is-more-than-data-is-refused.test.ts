import { test } from 'tap';
import { MAX_ALIASES, parseYaml } from '../../../proxy/config/yaml-document.ts';

function problems(text: string): readonly string[] {
  return parseYaml(text).problems.map(({ at, message }) => `${at.line}:${at.column}: ${message}`);
}

const cases: readonly (readonly [what: string, text: string, ...problems: (string | RegExp)[]])[] = [
  ['an empty file', '', '1:1: the file is empty'],
  ['only comments', '# nothing\n', '1:1: the file is empty'],
  ['a list that never ends', 'a: 1\nb: [1,\n', /^\d:\d+: not YAML: Flow sequence/],
  ['a quote that never ends', 'a: "b\n', /not YAML: Missing closing "quote/],
  ['a tab as indentation', 'a:\n\tb: 1\n', /^2:1: not YAML: Tabs are not allowed/],
  ['JavaScript', 'module.exports = {\n  a: 1,\n};\n', /^1:1: not YAML/, /not YAML/, /not YAML/],
  ['a duplicate key', 'a: 1\nb: { c: 1, c: 2 }\n', '2:12: the key `c` stands twice; first in line 2, column 6'],
  [
    'a second document',
    'a: 1\n---\nb: 2\n',
    /^\d:\d+: a second document begins here; a configuration is one document$/,
  ],
  ['a tag of its own', 'a: !secret x\n', '1:4: not allowed here: Unresolved tag: !secret'],
  ['a tag that runs code elsewhere', 'a: !!js/function "x"\n', /^1:4: not allowed here/],
  ['bytes in Base64', 'a: !!binary aGk=\n', /^1:4: not allowed here/],
  ['a list as key', '? [a, b]\n: 1\n', /keys must be strings/],
  ['an alias without anchor', 'a: *b\n', '1:4: no anchor &b before this alias'],
  ['an alias that contains itself', 'a: &x { b: *x }\n', '1:12: the alias *x contains itself'],
  ['a tree that is too deep', `${'a: {'.repeat(40)}${'}'.repeat(40)}`, /nested deeper than 32 levels/],
];

test('what is no plain data has a problem with its place', (t) => {
  for (const [what, text, ...expected] of cases) {
    const found = problems(text);
    t.match(found, expected, what);
    t.equal(found.length, expected.length, `${what}: nothing else is reported`);
  }
  t.end();
});

test('aliases that multiply ("billion laughs", CVE-2003-1564) end at a limit', (t) => {
  const level = (n: number) =>
    `l${n}: &l${n} [${Array(9)
      .fill(`*l${n - 1}`)
      .join(', ')}]\n`;
  const few = `l0: &l0 [${'x, '.repeat(99)}x]\n${Array.from({ length: 9 }, (_, n) => level(n + 1)).join('')}`;
  t.match(problems(few), [/more than 200000 values once aliases are replaced/]);
  t.match(
    problems(
      `a: &a 1\nb: [${Array(MAX_ALIASES + 1)
        .fill('*a')
        .join(', ')}]\n`,
    ),
    [/more than 100 aliases/],
  );
  t.end();
});

test('a text made to exhaust the parser is refused, and its errors are not counted out', (t) => {
  for (const bomb of ['['.repeat(20_000), '- '.repeat(20_000), '{a: '.repeat(10_000), ']\n'.repeat(20_000)]) {
    const found = problems(bomb);
    t.match(found[0], /not YAML: (nested too deep|Unexpected)/);
    t.ok(found.length <= 10);
  }
  t.end();
});

test('a map of many keys takes linear time', (t) => {
  const keys = Array.from({ length: 40_000 }, (_, n) => `k${n}: 1\n`).join('');
  const began = process.threadCpuUsage();
  t.strictSame(problems(keys), []);
  // Comparing each key with all others took 17 s.
  t.ok(process.threadCpuUsage(began).user < 5_000_000);
  t.end();
});

test('an alias stands for a copy of its anchor, at the place of the anchor', (t) => {
  const { root, problems: none } = parseYaml('a: &x 1\nb: *x\n');
  t.strictSame(none, []);
  t.match(root, {
    kind: 'map',
    entries: [{ key: 'a' }, { key: 'b', value: { value: 1, at: { line: 1, column: 7 } } }],
  });
  t.end();
});

test('words of YAML 1.1 stay words, and `<<` is no merge', (t) => {
  const { root } = parseYaml('a: yes\nb: 0o10\nc: 1:30\n<<: { d: 1 }\n');
  t.match(root, {
    entries: [{ value: { value: 'yes' } }, { value: { value: 8 } }, { value: { value: '1:30' } }, { key: '<<' }],
  });
  t.end();
});
