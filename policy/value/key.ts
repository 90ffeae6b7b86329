import { wholeOf } from './decimal.ts';
import { valueText } from './text.ts';
import type { Key, Value } from './value.ts';

/** Marks the key of a composite value, and of a string that would look like one. */
const mark = '\u0000';

/**
 * The keys of frozen values, which are data and the constants of a policy: the same few objects end up in a set with
 * every decision. They go when the data goes.
 */
const known = new WeakMap<object, string>();

export function keyOf(value: Value): Key {
  if (typeof value === 'string') return value.charCodeAt(0) === 0 ? `${mark}s${value}` : value;
  if (typeof value === 'number') return numberKey(value);
  if (value === null || typeof value !== 'object') return value;
  return known.get(value) ?? compositeKey(value);
}

function compositeKey(value: object & Value): string {
  const key = `${mark}c${valueText(value)}`;
  if (Object.isFrozen(value)) known.set(value, key);
  return key;
}

/** 1e300 from JSON is a double, the same integer from arithmetic a bigint. */
function numberKey(value: number): number | bigint {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? (wholeOf(value) as bigint) : value;
}
