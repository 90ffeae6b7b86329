import { valueText } from './text.ts';
import type { Key, Value } from './value.ts';

/** Marks the key of a composite value, and of a string that would look like one. */
const mark = '\u0000';

export function keyOf(value: Value): Key {
  if (typeof value === 'string') return value.startsWith(mark) ? `${mark}s${value}` : value;
  if (typeof value === 'number') return numberKey(value);
  if (value === null || typeof value !== 'object') return value;
  return `${mark}c${valueText(value)}`;
}

/** 1e300 from JSON is a double, the same integer from arithmetic a bigint. */
function numberKey(value: number): number | bigint {
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? BigInt(value) : value;
}
