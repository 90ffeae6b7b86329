import { test } from 'tap';
import { compareValues } from '../../../policy/value/order.ts';
import { objectOf } from '../../../policy/value/object.ts';
import type { Value } from '../../../policy/value/value.ts';

/** As `opa eval 'sort([...])'` gives them; the members of each in any order. */
const ordered: readonly Value[] = [
  {},
  objectOf([[1, 0]]),
  { A: 3 },
  { a: 1 },
  { b: 1, a: 1 },
  { c: 0, a: 1, b: 2 },
  { c: 0, a: 1 },
  { a: 2 },
  { a: { y: 2 } },
  { a: { z: 1 } },
  { b: 0 },
  { c: 1, b: 0 },
];

test('objects are compared by their least key, its value, and so on', (t) => {
  ordered.forEach((a, i) => {
    ordered.forEach((b, j) => t.equal(Math.sign(compareValues(a, b)), Math.sign(i - j), `${i} ${j}`));
  });
  t.end();
});
