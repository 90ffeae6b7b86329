import { sortedEntries, sortedMembers } from './order.ts';
import { type Entry, isArray, RegoSet, type Value } from './value.ts';

/**
 * A value in the notation of OPA's `opa_value_dump` and `opa_value_parse`: JSON, and sets as `{1,2}` or `set()`, and keys of
 * any kind. Sorted, without spaces: equal values have equal text.
 */
export function valueText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return numberText(value);
  if (isArray(value)) return `[${value.map(valueText).join(',')}]`;
  if (!(value instanceof RegoSet)) return `{${sortedEntries(value).map(entryText).join(',')}}`;
  return value.members.size === 0 ? 'set()' : `{${sortedMembers(value).map(valueText).join(',')}}`;
}

/** Numbers are exact; `null`, `true` and `false` are themselves. */
function numberText(value: null | boolean | number | bigint): string {
  // Above 1e21 a double would be written with an exponent, and the same bigint without one; -0 is 0.
  return typeof value === 'number' && Number.isInteger(value) ? String(BigInt(value)) : String(value);
}

const entryText = ([key, value]: Entry): string => `${valueText(key)}:${valueText(value)}`;

/** A value as JSON, as OPA gives results: a set becomes an array in its order, a key that is no string its JSON text. */
export function jsonText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || typeof value !== 'object') return numberText(value);
  if (isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (value instanceof RegoSet) return `[${sortedMembers(value).map(jsonText).join(',')}]`;
  const members = sortedEntries(value).map(([key, part]) => `${jsonKey(key)}:${jsonText(part)}`);
  return `{${members.join(',')}}`;
}

const jsonKey = (key: Value): string => JSON.stringify(typeof key === 'string' ? key : jsonText(key));
