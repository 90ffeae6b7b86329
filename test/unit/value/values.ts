import fc from 'fast-check';
import { integer, numberOf } from '../../../policy/value/number.ts';
import { entriesOf, objectOf } from '../../../policy/value/object.ts';
import { setOf } from '../../../policy/value/set.ts';
import { valueText } from '../../../policy/value/text.ts';
import { isArray, isNumber, isObject, isSet, type Value } from '../../../policy/value/value.ts';

/** Names that mean something to JavaScript, text that looks like a key of `keyOf`, and halves of characters. */
const oddText = fc.constantFrom(
  '',
  '__proto__',
  'constructor',
  'length',
  '0',
  '\0',
  '\0c[1]',
  '\0s\0',
  '\ud800',
  '\udc80',
  '😀',
);

/** Literals that no double holds, and some that one does. */
export const literals: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 24n }),
    fc.option(fc.bigInt({ min: 0n, max: 10n ** 24n }), { nil: undefined }),
    fc.option(fc.constantFrom(-30_000, -400, -9, -1, 0, 2, 30, 400, 30_000), { nil: undefined }),
  )
  .map(
    ([sign, whole, fraction, exponent]) =>
      `${sign}${whole}${fraction === undefined ? '' : `.${fraction}`}${exponent === undefined ? '' : `e${exponent}`}`,
  );

const numbers = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom(-0, 0.5, 1e-7, 2 ** 53, 2 ** 60, -(2 ** 60), 1e300),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(integer),
  fc.bigInt({ min: 2n ** 1020n, max: 2n ** 1030n }).map(integer),
  literals.map((literal) => numberOf(literal) as Value),
);

const scalars: fc.Arbitrary<Value> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  numbers,
  oddText,
  fc.string({ maxLength: 3 }),
);

/** Values of every kind. */
export const values: fc.Arbitrary<Value> = fc.letrec<{ value: Value }>((tie) => {
  const several = fc.array(tie('value'), { maxLength: 3 });
  const entry = (key: fc.Arbitrary<Value>) => fc.array(fc.tuple(key, tie('value')), { maxLength: 3 });
  return {
    value: fc.oneof(
      { maxDepth: 3 },
      scalars,
      several,
      several.map(setOf),
      entry(oddText).map(objectOf),
      entry(tie('value')).map(objectOf),
    ),
  };
}).value;

/** The same value made another way: members in another order, and integers beyond 2^53 as bigints. */
export function remade(value: Value): Value {
  if (isNumber(value)) return numberOf(valueText(value)) as Value;
  if (isArray(value)) return value.map(remade);
  if (isSet(value)) return setOf([...value.members.values()].map(remade).toReversed());
  if (!isObject(value)) return value;
  return objectOf(
    entriesOf(value)
      .map(([key, part]) => [remade(key), remade(part)] as const)
      .toReversed(),
  );
}
