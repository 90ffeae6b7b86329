import { wholeOf } from './decimal.ts';
import { compareStrings, sortedEntries, sortedMembers } from './order.ts';
import { type Entry, isArray, isScalar, type NumberValue, RegoMap, RegoSet, type Value } from './value.ts';

/**
 * A value in the notation of OPA's `opa_value_dump` and `opa_value_parse`: JSON, and sets as `{1,2}` or `set()`, and keys of
 * any kind. Sorted, without spaces: equal values have equal text.
 */
export function valueText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (isScalar(value)) return numberText(value);
  if (isArray(value)) return `[${value.map(valueText).join(',')}]`;
  if (!(value instanceof RegoSet)) return `{${sortedEntries(value).map(entryText).join(',')}}`;
  const members = sortedMembers(value);
  return members.length === 0 ? 'set()' : `{${members.map(valueText).join(',')}}`;
}

/** Numbers are exact; `null`, `true` and `false` are themselves. */
function numberText(value: null | boolean | NumberValue): string {
  // Above 1e21 a double would be written with an exponent, and the same bigint without one; -0 is 0.
  return typeof value === 'number' && Number.isInteger(value) ? String(wholeOf(value)) : String(value);
}

const entryText = ([key, value]: Entry): string => `${valueText(key)}:${valueText(value)}`;

/** A value as JSON, as OPA gives results: a set becomes an array in its order, a key that is no string its JSON text. */
export function jsonText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (isScalar(value)) return numberText(value);
  if (isArray(value)) return itemsText(value);
  if (value instanceof RegoSet) return itemsText(sortedMembers(value));
  if (value instanceof RegoMap) return mapText(value);
  let text = '';
  for (const [key, part] of sortedEntries(value)) {
    text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${jsonText(part)}`;
  }
  return `{${text}}`;
}

function itemsText(items: readonly Value[]): string {
  let text = '';
  for (const item of items) text += text === '' ? jsonText(item) : `,${jsonText(item)}`;
  return `[${text}]`;
}

/** In the order of the names that the keys become; of two keys with one name, such as 1 and "1", the last counts. */
function mapText(map: RegoMap): string {
  const named = new Map<string, Value>();
  for (const [key, value] of sortedEntries(map)) named.set(typeof key === 'string' ? key : jsonText(key), value);
  const members = [...named].sort(([a], [b]) => compareStrings(a, b));
  return `{${members.map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`).join(',')}}`;
}
