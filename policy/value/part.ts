import { keyOf } from './key.ts';
import { member } from './object.ts';
import { isArray, type ObjectValue, RegoSet, type Value } from './value.ts';

/** What `value[key]` is in Rego: an array's item, an object's member, a member of a set itself; undefined without one. */
export function partOf(value: Value, key: Value): Value | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  // Only an index reads from an array: "0" and "length" do not.
  if (isArray(value)) return typeof key === 'number' ? value[key] : undefined;
  if (value instanceof RegoSet) return value.members.get(keyOf(key));
  return member(value as ObjectValue, key);
}
