import { test } from 'tap';
import { readJson } from '../../../policy/value/read-json.ts';
import { jsonText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { ValueTextError } from '../../../policy/value/read-text.ts';

test('numbers are exact, whatever it takes to hold them', async (t) => {
  t.same(readJson('[9007199254740993, 0.1234567890123456, 1e300, 12]'), [
    9007199254740993n,
    0.1234567890123456,
    10n ** 300n,
    12,
  ]);
  for (const text of [
    '1e400',
    '-1e400',
    '1e-400',
    '0.1234567890123456789',
    '12345678901234567890.5',
    '1.5e308',
    '2e308',
  ]) {
    const read = readJson(`{"a":${text}}`) as { readonly a: Value };
    t.equal(jsonText(read.a), text.includes('308') && !text.startsWith('2') ? `15${'0'.repeat(307)}` : text);
  }
  t.ok(Object.is(readJson('-0'), 0));
});

test('an exponent that OPA refuses is refused, and not taken for infinity or zero', async (t) => {
  t.ok(readJson('[9.99e30102, 5.01e-30104]'));
  for (const text of [
    '1e40000',
    '{"exp":-1E+40000}',
    '9.991e30102',
    '5.004e-30104',
    '1e-40000',
    '1e2147483648',
    '1e99999999999999999999',
  ])
    t.throws(() => readJson(text), ValueTextError, text);
});

test('the last of two members with one name counts, and __proto__ is a name', async (t) => {
  t.same(readJson('{"a":1,"a":2}'), { a: 2 });
  for (const text of ['{"__proto__":{"a":1}}', '{"__proto__":{"a":1},"n":9007199254740993}']) {
    const read = readJson(text) as object;
    t.ok(Object.hasOwn(read, '__proto__'));
    t.equal(Object.getPrototypeOf(read), Object.prototype);
  }
});

test('nesting is bounded, in strings it is none', async (t) => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
  t.ok(readJson(nested(1000)));
  t.throws(() => readJson(nested(1001)), ValueTextError);
  t.throws(() => readJson('['.repeat(1_000_000)), ValueTextError);
  t.equal(readJson(JSON.stringify(`\\"${'['.repeat(2000)}`)), `\\"${'['.repeat(2000)}`);
});

test('text that is not JSON is refused', async (t) => {
  for (const text of ['', ' ', 'nope', '{"a":1,}', "{'a':1}", '[1', '\ufeff{}', 'NaN', '01', 'set()']) {
    t.throws(() => readJson(text), ValueTextError, text);
  }
});
