import { equalValues } from '../value/order.ts';
import { partOf } from '../value/part.ts';
import { has } from '../value/set.ts';
import { isArray, isObject, RegoMap, RegoSet, type Value } from '../value/value.ts';
import type { Builtin, Builtins } from './builtin.ts';

/** `value in collection`: false, not an error, for what is no collection. */
const memberOf: Builtin = (context, value, collection) => {
  if (collection instanceof RegoSet) return has(collection, value);
  if (isArray(collection)) {
    context.charge(collection.length >>> 4);
    return isScalarButNumber(value) ? collection.includes(value) : collection.some((item) => equalValues(value, item));
  }
  if (!isObject(collection)) return false;
  if (collection instanceof RegoMap) {
    context.charge(collection.members.size >>> 4);
    for (const [, item] of collection.members.values()) if (equalValues(value, item)) return true;
    return false;
  }
  const items = Object.values(collection);
  context.charge(items.length >>> 4);
  return items.some((item) => equalValues(value, item));
};

/** `key, value in collection`. A member of a set is its own key. */
const memberAt: Builtin = (_context, key, value, collection) => {
  const found = partOf(collection, key);
  return found !== undefined && equalValues(found, value);
};

/** Those are equal exactly when they are identical: what `includes` looks for, much faster than a call for each item. */
const isScalarButNumber = (value: Value): boolean =>
  typeof value === 'string' || typeof value === 'boolean' || value === null;

export const memberBuiltins: Builtins = { 'internal.member_2': memberOf, 'internal.member_3': memberAt };
