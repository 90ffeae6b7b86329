import { compareValues, sortedMembers } from '../value/order.ts';
import { sizeOf } from '../value/object.ts';
import { has } from '../value/set.ts';
import { isArray, isObject, type NumberValue, RegoSet, type Value } from '../value/value.ts';
import { add, multiply } from './numbers/arithmetic.ts';
import type { Builtin, BuiltinContext, Builtins } from './builtin.ts';
import { chargeForText } from './strings/charge.ts';
import { codePointCount } from './strings/code-points.ts';
import { mismatch, number } from './operands.ts';

const count: Builtin = (context, value) => {
  if (isArray(value)) return value.length;
  if (value instanceof RegoSet) return value.members.size;
  if (typeof value === 'string') {
    chargeForText(context, value.length);
    return codePointCount(value);
  }
  if (isObject(value)) return sizeOf(value);
  return mismatch(1, 'one of {array, object, set, string}', value);
};

/** The items of an array or the members of a set, in the set's own order. */
function items(context: BuiltinContext, value: Value): readonly Value[] {
  if (!isArray(value) && !(value instanceof RegoSet)) return mismatch(1, 'one of {set, array}', value);
  const found = isArray(value) ? value : [...value.members.values()];
  context.charge(found.length >>> 2);
  return found;
}

/** Integers and fractions apart, so that only the end result is rounded: a large integer leaves no room for a fraction. */
const fold =
  (step: typeof add, initial: number): Builtin =>
  (context, values) => {
    let whole: NumberValue = initial;
    let rest: NumberValue = initial;
    for (const item of items(context, values)) {
      const operand = number(item, 1);
      if (typeof operand === 'bigint' || Number.isInteger(operand)) whole = step(context, whole, operand);
      else rest = step(context, rest, operand);
    }
    return step(context, whole, rest);
  };

/** The item that comes first by `order`; undefined when there is none. */
const first =
  (order: (a: Value, b: Value) => number): Builtin =>
  (context, values) => {
    let best: Value | undefined;
    for (const item of items(context, values)) if (best === undefined || order(item, best) < 0) best = item;
    return best;
  };

/** A set remembers its order once it has one. */
const sort: Builtin = (context, values) => {
  const unsorted = items(context, values);
  context.charge(Math.ceil((unsorted.length * Math.log2(unsorted.length + 1)) / 2));
  return values instanceof RegoSet ? sortedMembers(values) : unsorted.toSorted(compareValues);
};

export const aggregateBuiltins: Builtins = {
  count,
  sum: fold(add, 0),
  product: fold(multiply, 1),
  max: first((a, b) => compareValues(b, a)),
  min: first(compareValues),
  sort,
  all: (context, values) => items(context, values).every((item) => item === true),
  any: (context, values) => (values instanceof RegoSet ? has(values, true) : items(context, values).includes(true)),
};
