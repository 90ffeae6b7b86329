import { test } from 'tap';
import { EvaluationError } from '../../../policy/engine.ts';
import { valueText } from '../../../policy/value/text.ts';
import { budget, call, callWith } from './call.ts';

test('nodes are keys of the graph; edges lead where they lead', async (t) => {
  t.equal(valueText(call('graph.reachable', { a: ['b', 'x'], b: ['a'], c: [] }, ['a']) ?? null), '{"a","b"}');
  t.equal(
    valueText(call('graph.reachable', { __proto__x: [], toString: ['a'] }, ['constructor', 'a']) ?? null),
    'set()',
  );
  t.equal(
    valueText(call('graph.reachable_paths', { a: ['b', 'c'], b: ['d'], c: ['a'], d: [] }, ['a']) ?? null),
    '{["a","b","d"],["a","c"]}',
  );
});

test('a path of 20,000 nodes needs no call stack, and 2^20 paths are not walked', async (t) => {
  const length = 20_000;
  const line = Object.fromEntries(Array.from({ length }, (_, i) => [`n${i}`, [`n${i + 1}`]]));
  t.equal(
    (call('graph.reachable', line, ['n0']) as { readonly members: ReadonlyMap<unknown, unknown> }).members.size,
    length,
  );
  t.equal(
    (call('graph.reachable_paths', line, ['n0']) as { readonly members: ReadonlyMap<unknown, unknown> }).members.size,
    1,
  );
  const dense = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`n${i}`, Array.from({ length: 20 }, (__, j) => `n${j}`)]),
  );
  t.throws(() => callWith(budget(), 'graph.reachable_paths', dense, ['n0']), EvaluationError);
});
