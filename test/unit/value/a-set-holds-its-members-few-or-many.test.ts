import fc from 'fast-check';
import { test } from 'tap';
import { keyOf } from '../../../policy/value/key.ts';
import { addAll, filtered, has, setOf } from '../../../policy/value/set.ts';
import type { Value } from '../../../policy/value/value.ts';
import { values } from './values.ts';

/** On both sides of the size from which members are found through a hash. */
const lists = fc.array(values, { maxLength: 24 });

test('a set holds each of its values once, in the order in which they came first', async (t) => {
  fc.assert(
    fc.property(lists, (list) => {
      const known = new Map(list.toReversed().map((value) => [keyOf(value), value]));
      const { members } = setOf(list);
      const firsts = list.filter((value, at) => list.findIndex((other) => keyOf(other) === keyOf(value)) === at);
      t.ok(members.size === known.size && members.values().every((value, at) => value === firsts[at]));
      t.ok(members.keys().every((key, at) => key === keyOf(firsts[at] as Value) && members.get(key) === firsts[at]));
    }),
    { numRuns: 300 },
  );
});

test('a set has exactly what was added to it', async (t) => {
  fc.assert(
    fc.property(lists, values, (list, other) => {
      const set = setOf(list);
      const keys = new Set(list.map(keyOf));
      t.ok(list.every((value) => has(set, value)));
      t.equal(has(set, other), keys.has(keyOf(other)));
    }),
    { numRuns: 300 },
  );
});

test('what is united and taken apart again is what it was', async (t) => {
  fc.assert(
    fc.property(lists, lists, (a, b) => {
      const [first, second] = [setOf(a), setOf(b)];
      const both = setOf(a);
      addAll(both, second);
      t.equal(both.members.size, new Set([...a, ...b].map(keyOf)).size);
      const rest = filtered(both, (key) => !second.members.has(key));
      t.same(
        rest.members.keys(),
        first.members.keys().filter((key) => !second.members.has(key)),
      );
    }),
    { numRuns: 300 },
  );
});
