import fc from 'fast-check';
import { test } from 'tap';
import { keyOf } from '../../../policy/value/key.ts';
import { compareValues, equalValues } from '../../../policy/value/order.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { has, setOf } from '../../../policy/value/set.ts';
import { valueText } from '../../../policy/value/text.ts';
import { remade, values } from './values.ts';

const runs = { numRuns: 2_000 };

/** As a Map compares keys: -0 is 0. */
const sameKey = (a: Parameters<typeof keyOf>[0], b: Parameters<typeof keyOf>[0]): boolean =>
  new Set([keyOf(a)]).has(keyOf(b));

test('key, equality, order and text agree about any two values', async () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const equal = compareValues(a, b) === 0;
      return equalValues(a, b) === equal && sameKey(a, b) === equal && (valueText(a) === valueText(b)) === equal;
    }),
    runs,
  );
});

test('a value is equal to itself made another way: other order of members, bigints for doubles', async () => {
  fc.assert(
    fc.property(values, (a) => {
      const b = remade(a);
      return equalValues(a, b) && compareValues(a, b) === 0 && sameKey(a, b) && has(setOf([a]), b);
    }),
    runs,
  );
});

test('the order is total', async () => {
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      const [ab, bc, ac] = [compareValues(a, b), compareValues(b, c), compareValues(a, c)].map(Math.sign);
      if (Math.sign(compareValues(b, a)) !== -(ab as number) + 0) return false;
      return ab !== bc || ac === ab;
    }),
    runs,
  );
});

test('what is written is read back', async () => {
  fc.assert(
    fc.property(values, (value) => equalValues(readValue(valueText(value)), value)),
    runs,
  );
});

test('text that looks like the key of another value has a key of its own', async (t) => {
  const alike = [[1], '\0c[1]', '\0s\0c[1]', '\0s\0s\0c[1]', '[1]'];
  t.equal(setOf(alike).members.size, alike.length);
});

test('only the key of what can no longer change is remembered', async (t) => {
  const growing = [1];
  const before = keyOf(growing);
  growing.push(2);
  t.not(keyOf(growing), before);
  const frozen = Object.freeze([1]);
  t.equal(keyOf(frozen), before);
  t.equal(keyOf(frozen), keyOf([1]));
});
