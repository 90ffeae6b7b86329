import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { valueText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const read = (yaml: string) => call('yaml.unmarshal', yaml);
const write = (value: Value) => call('yaml.marshal', value) as string;
const isValid = (yaml: Value) => call('yaml.is_valid', yaml);

test('scalars mean what they mean to Go', async (t) => {
  const cases: readonly (readonly [string, Value])[] = [
    ['on', 'on'],
    ['True', true],
    ['~', null],
    ['', null],
    ['0777', 511],
    ['0o17', 15],
    ['0x1F', 31],
    ['08', 8],
    ['1_000', 1000],
    ['9007199254740993', 9007199254740993n],
    ['1e400', '1e400'],
    ['2026-11-22', '2026-11-22'],
    ['!!str 1', '1'],
    ['!!binary aGk=', 'hi'],
    ['!custom x', 'x'],
  ];
  for (const [yaml, value] of cases) t.same(read(yaml), value, yaml);
});

test('infinity, NaN, a null key and a scalar against its tag are refused', async (t) => {
  for (const yaml of ['.inf', '[.nan]', 'null: 1', '? [1]\n: 2', '!!int x', '[1', 'a: *b', '&a [*a]']) {
    t.throws(() => read(yaml), BuiltinError, yaml);
    t.equal(isValid(yaml), false, yaml);
  }
});

test('of two members with one name the last counts, and one that is written out more than a merged one', async (t) => {
  t.same(read('a: 1\na: 2'), { a: 2 });
  t.same(read('base: &b {x: 1, y: 1}\nd:\n  <<: *b\n  x: 2'), { base: { x: 1, y: 1 }, d: { x: 2, y: 1 } });
});

test('__proto__ is a name like any other', async (t) => {
  const value = read('__proto__: {admin: true}\nb: {<<: {__proto__: 1}}') as { readonly [name: string]: Value };
  t.equal(valueText(value), '{"__proto__":{"admin":true},"b":{"__proto__":1}}');
  t.equal((value as { readonly admin?: unknown }).admin, undefined);
});

test('only the first document counts, and all have to be well-formed', async (t) => {
  t.same(read('a: 1\n---\nb: 2'), { a: 1 });
  t.throws(() => read('a: 1\n---\n\tb: 2'), BuiltinError);
});

test('nested aliases are bounded and charged ("billion laughs", CVE-2003-1564)', async (t) => {
  const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x,x]'];
  for (let i = 1; i < 9; i++) lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join()}]`);
  const bomb = lines.join('\n');
  t.throws(() => read(bomb), /stand for more than/);
  t.throws(() => callWith(budget(bomb.length * 50 + 1_000), 'yaml.unmarshal', bomb), EvaluationError);
});

test('deep nesting, long texts and lone surrogates do no harm', async (t) => {
  for (const yaml of ['['.repeat(50_000), '- '.repeat(5_000), '{a: '.repeat(2_000), 'x'.repeat(1_000_000)]) {
    t.throws(() => read(yaml), BuiltinError, yaml.slice(0, 10));
  }
  t.equal(read(`"${'x'.repeat(60_000)}"`), 'x'.repeat(60_000));
  t.equal(isValid('\ud800'), true);
});

test('what is written is read back as the same value', async (t) => {
  const awkward = [
    'a: b',
    '- x',
    '|',
    '? x',
    '\n',
    'a\n b',
    '\t',
    ' #',
    'yes',
    '1e3',
    '<<',
    'a\n\n\n',
    '\r',
    '---\nx',
    '...',
    '%YAML',
  ];
  const { value } = fc.letrec<{ value: Value }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({
        unit: fc.constantFrom('\0', '\x1b', '\x7f', '\u0085', '\u2028', '\ufeff', '\u{1f600}', 'é', ' ', '\n', 'a'),
      }),
      fc.constantFrom(...awkward),
      fc.integer(),
      fc.double({ noNaN: true, min: -1e15, max: 1e15 }).map((number) => number + 0),
      fc.constantFrom(null, true, false),
      fc.array(tie('value')),
      fc.dictionary(fc.string(), tie('value')),
    ),
  }));
  fc.assert(fc.property(value, (original) => valueText(read(write(original)) as Value) === valueText(original)));
  t.equal(
    write([{ foo: [1, 'on', '1', 'a\nb\n'] }]),
    '- foo:\n    - 1\n    - "on"\n    - "1"\n    - |\n      a\n      b\n',
  );
});
