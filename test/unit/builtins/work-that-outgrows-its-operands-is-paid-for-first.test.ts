import { test } from 'tap';
import { EvaluationError } from '../../../policy/engine.ts';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { budget, call, callWith } from './call.ts';

const poorCall = (name: string, ...operands: Value[]) => callWith(budget(), name, ...operands);

const million = 'a'.repeat(1_000_000);
const manyStrings = Array.from({ length: 20_000 }, () => million);

/** What each would make does not fit into the memory of the machine, or takes minutes. */
const attacks: readonly (readonly [string, ...Value[]])[] = [
  ['numbers.range', 0, 1e15],
  ['numbers.range', 0, 2n ** 200n],
  ['numbers.range_step', 0, 2n ** 70n, 2],
  ['concat', million, Array.from({ length: 100_000 }, () => 'x')],
  ['concat', '', manyStrings],
  ['replace', million, 'a', million],
  ['replace', million, '', million],
  ['strings.replace_n', { a: million }, million],
  ['sprintf', '%9000000d'.repeat(10), Array.from({ length: 10 }, () => 1)],
  ['sprintf', '%[1]s'.repeat(1000), [million]],
  ['indexof_n', million, 'a'.repeat(200)],
  ['internal.template_string', manyStrings],
  ['strings.any_prefix_match', manyStrings, manyStrings],
  ['object.subset', Array.from({ length: 5000 }, () => 1), [...Array.from({ length: 2500 }, () => 1), 2]],
];

test('the budget ends what grows faster than its operands before memory does', async (t) => {
  for (const [name, ...operands] of attacks) t.throws(() => poorCall(name, ...operands), EvaluationError, name);
});

test('a path is kept for every part: walking a deep document costs the square of its depth', async (t) => {
  let deep: Value = 1;
  for (let i = 0; i < 3000; i++) deep = [deep];
  t.throws(() => poorCall('walk', deep), EvaluationError);
});

test('what a policy does with a request fits many times over', async (t) => {
  const path = '/orders/12/items';
  t.same(poorCall('split', path, '/'), ['', 'orders', '12', 'items']);
  t.equal((poorCall('numbers.range', 1, 500_000) as readonly Value[]).length, 500_000);
  t.equal(
    (
      poorCall(
        'sort',
        Array.from({ length: 10_000 }, (_, i) => -i),
      ) as readonly Value[]
    )[0],
    -9999,
  );
});

test('integers end at 65,536 bits, whatever the budget', async (t) => {
  t.throws(() => call('bits.lsh', 1, 1e9), BuiltinError);
  t.throws(() => call('bits.lsh', 1, 2n ** 80n), BuiltinError);
  let value: Value = 3;
  t.throws(() => {
    for (let i = 0; i < 30; i++) value = call('mul', value, value) as Value;
  }, BuiltinError);
  t.throws(
    () =>
      call(
        'product',
        Array.from({ length: 10_000 }, () => 10 ** 9),
      ),
    BuiltinError,
  );
});

test('a search takes linear time: of 1 MB for half of it, V8 would need half a minute', async (t) => {
  // Flat strings: a rope would be flattened first.
  const text = Buffer.from(million).toString();
  const part = Buffer.from(`${'a'.repeat(250_000)}b${'a'.repeat(250_000)}`).toString();
  for (const [name, result] of [
    ['contains', false],
    ['indexof', -1],
    ['strings.count', 0],
  ] as const) {
    t.equal(poorCall(name, text, part), result, name);
  }
  t.same(poorCall('split', text, part), [text]);
  t.equal(poorCall('replace', text, part, ''), text);
});
