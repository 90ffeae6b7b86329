import { compareDecimals, wholeOf } from './decimal.ts';
import {
  type Entry,
  isArray,
  isObject,
  type NumberValue,
  type ObjectValue,
  RegoDecimal,
  RegoMap,
  RegoSet,
  type TypeName,
  typeName,
  type Value,
} from './value.ts';

/** Rego's order of types: https://www.openpolicyagent.org/docs/policy-reference */
const rank: Readonly<Record<TypeName, number>> = {
  null: 0,
  boolean: 1,
  number: 2,
  string: 3,
  array: 4,
  object: 5,
  set: 6,
};

/** Negative, zero or positive; total over all values, zero exactly for values that are equal in Rego. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  const type = typeName(a);
  const apart = rank[type] - rank[typeName(b)];
  if (apart !== 0) return apart;
  switch (type) {
    case 'boolean':
      return Number(a) - Number(b);
    case 'number':
      return compareNumbers(a as NumberValue, b as NumberValue);
    case 'array':
      return compareLists(a as readonly Value[], b as readonly Value[], compareValues);
    case 'object':
      return compareObjects(a as ObjectValue, b as ObjectValue);
    case 'set':
      return compareLists(sortedMembers(a as RegoSet), sortedMembers(b as RegoSet), compareValues);
    case 'null':
    case 'string':
      return 0;
  }
}

/** Exact. A double beyond 2^53 is the integer that it is written as, and not that of its bits. */
export function compareNumbers(a: NumberValue, b: NumberValue): number {
  if (a instanceof RegoDecimal || b instanceof RegoDecimal) return compareDecimals(a, b);
  const [x, y] = typeof a === typeof b ? [a, b] : [withoutBits(a), withoutBits(b)];
  if (x < y) return -1;
  return x > y ? 1 : 0;
}

const withoutBits = (value: number | bigint): number | bigint =>
  typeof value === 'bigint' || Math.abs(value) < 2 ** 53 ? value : (wholeOf(value) as bigint);

/**
 * By code point, which is Go's order of the UTF-8 bytes. JavaScript compares code units, which puts U+1F600, whose first
 * unit is a surrogate, before U+FFFD.
 */
export function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    if (isSurrogate(x) === isSurrogate(y)) return x - y;
    return isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

/** The members of a set in Rego's order, as OPA iterates. */
export function sortedMembers(set: RegoSet): readonly Value[] {
  if (set.sorted !== undefined) return set.sorted;
  const members = set.members.values();
  set.sorted = members.length > 1 ? members.toSorted(compareValues) : members;
  return set.sorted;
}

/** Keys and values of an object in the order of the keys. */
export function sortedEntries(object: ObjectValue): readonly Entry[] {
  if (object instanceof RegoMap) {
    object.sorted ??= [...object.members.values()].sort(([a], [b]) => compareValues(a, b));
    return object.sorted;
  }
  const entries = Object.entries(object);
  // Those that a policy makes come sorted from OPA's compiler.
  return isSorted(entries) ? entries : entries.sort(([a], [b]) => compareStrings(a, b));
}

function isSorted(entries: readonly (readonly [name: string, value: Value])[]): boolean {
  for (let i = 1; i < entries.length; i++) {
    if (compareStrings((entries[i - 1] as Entry)[0] as string, (entries[i] as Entry)[0] as string) > 0) return false;
  }
  return true;
}

/** The same as comparing, and faster: most values that differ do so in type or size, and nothing is sorted. */
export function equalValues(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return equalNumbers(a, b);
  if (isArray(a)) return isArray(b) && equalArrays(a, b);
  if (a instanceof RegoDecimal) return b instanceof RegoDecimal && String(a) === String(b);
  if (a instanceof RegoSet) return b instanceof RegoSet && equalSets(a, b);
  return isObject(b) && equalObjects(a as ObjectValue, b);
}

/** A double and a bigint may be the same integer; all other equal scalars are identical. */
function equalNumbers(a: Value, b: Value): boolean {
  if (typeof a === 'bigint') return typeof b === 'number' && compareNumbers(a, b) === 0;
  return typeof a === 'number' && typeof b === 'bigint' && compareNumbers(a, b) === 0;
}

function equalArrays(a: readonly Value[], b: readonly Value[]): boolean {
  return a.length === b.length && a.every((item, index) => equalValues(item, b[index] as Value));
}

/** Members have one key exactly when they are equal. */
function equalSets(a: RegoSet, b: RegoSet): boolean {
  if (a.members.size !== b.members.size) return false;
  for (const key of a.members.keys()) if (!b.members.has(key)) return false;
  return true;
}

function equalObjects(a: ObjectValue, b: ObjectValue): boolean {
  if (a instanceof RegoMap || b instanceof RegoMap) {
    return a instanceof RegoMap && b instanceof RegoMap && equalMaps(a, b);
  }
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => Object.hasOwn(b, name) && equalValues(a[name] as Value, b[name] as Value));
}

function equalMaps(a: RegoMap, b: RegoMap): boolean {
  if (a.members.size !== b.members.size) return false;
  for (const [key, [, value]] of a.members) {
    const other = b.members.get(key);
    if (other === undefined || !equalValues(value, other[1])) return false;
  }
  return true;
}

function compareObjects(a: ObjectValue, b: ObjectValue): number {
  const [x, y] = [leastName(a), leastName(b)];
  // Most objects differ in this already: nothing has to be sorted. Values are not looked at, lest deep ones be compared twice at each level.
  const apart = x === undefined || y === undefined ? 0 : compareStrings(x, y);
  return apart === 0 ? compareLists(sortedEntries(a), sortedEntries(b), compareEntries) : apart;
}

/** Undefined for an object without members, and for one that may have other keys than names. */
function leastName(object: ObjectValue): string | undefined {
  if (object instanceof RegoMap) return undefined;
  let least: string | undefined;
  for (const name of Object.keys(object)) if (least === undefined || compareStrings(name, least) < 0) least = name;
  return least;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

const compareEntries = (a: Entry, b: Entry): number => compareValues(a[0], b[0]) || compareValues(a[1], b[1]);

/** Of two lists that agree as far as the shorter one goes, that one comes first. */
function compareLists<T>(a: readonly T[], b: readonly T[], compare: (x: T, y: T) => number): number {
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const apart = compare(a[i] as T, b[i] as T);
    if (apart !== 0) return apart;
  }
  return a.length - b.length;
}
