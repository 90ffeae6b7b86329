import { keyOf } from './key.ts';
import { sortedEntries } from './order.ts';
import { type Entry, type ObjectValue, type PlainObject, RegoMap, type Value } from './value.ts';

/** Reads one member; undefined when there is none. Own members only: `constructor` is not something that JSON said. */
export function member(object: ObjectValue, key: Value): Value | undefined {
  if (object instanceof RegoMap) return object.members.get(keyOf(key))?.[1];
  if (typeof key !== 'string') return undefined;
  const value = object[key];
  // What an object inherits are functions, and its prototype: asking for an own member first would find it twice.
  if (typeof value !== 'function' && key !== '__proto__') return value;
  return Object.hasOwn(object, key) ? value : undefined;
}

export function sizeOf(object: ObjectValue): number {
  return object instanceof RegoMap ? object.members.size : Object.keys(object).length;
}

/** Keys and values in no particular order, which is quicker than `sortedEntries` where none is seen. */
export const entriesOf = (object: ObjectValue): readonly Entry[] =>
  object instanceof RegoMap ? [...object.members.values()] : Object.entries(object);

/** The keys in Rego's order. */
export const keysOf = (object: ObjectValue): readonly Value[] => sortedEntries(object).map(([key]) => key);

/** Later entries replace earlier ones with the same key. */
export function objectOf(entries: Iterable<Entry>): ObjectValue {
  let object: ObjectValue = {};
  for (const [key, value] of entries) object = insert(object, key, value);
  return object;
}

/**
 * Puts a member into an object that is still being built, and gives the object to go on with: the first key that is not
 * a string makes a RegoMap of a plain object.
 */
export function insert(object: ObjectValue, key: Value, value: Value): ObjectValue {
  if (object instanceof RegoMap) return insertIntoMap(object, key, value);
  if (typeof key !== 'string') return insertIntoMap(mapOf(object), key, value);
  // Assigning to `__proto__` would set the prototype and make no member.
  if (key === '__proto__') Object.defineProperty(object, key, { value, enumerable: true, writable: true });
  else (object as { [name: string]: Value })[key] = value;
  return object;
}

function insertIntoMap(map: RegoMap, key: Value, value: Value): RegoMap {
  map.members.set(keyOf(key), [key, value]);
  map.sorted = undefined;
  return map;
}

function mapOf(object: PlainObject): RegoMap {
  const map = new RegoMap();
  for (const [name, value] of Object.entries(object)) insertIntoMap(map, name, value);
  return map;
}

/** To be changed by whoever asked for it. Spreading makes own members, `__proto__` too. */
export function copyOf(object: ObjectValue): ObjectValue {
  if (!(object instanceof RegoMap)) return { ...object };
  const copy = new RegoMap();
  for (const [key, entry] of object.members) copy.members.set(key, entry);
  return copy;
}
