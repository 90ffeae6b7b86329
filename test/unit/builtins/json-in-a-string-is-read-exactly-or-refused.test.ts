import { test } from 'tap';
import { readJson } from '../../../policy/value/read-json.ts';
import { ValueTextError } from '../../../policy/value/read-text.ts';

test('integers beyond 2^53 are exact, and other numbers the nearest double', async (t) => {
  t.same(readJson('[9007199254740993, 0.1234567890123456, 1e300, 12]'), [
    9007199254740993n,
    0.1234567890123456,
    1e300,
    12,
  ]);
  t.ok(Object.is(readJson('-0'), 0));
});

test('what no double holds is refused, and not taken for infinity', async (t) => {
  for (const text of ['1e400', '{"exp":1e400}', '-1e999', '[1E+400]'])
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
