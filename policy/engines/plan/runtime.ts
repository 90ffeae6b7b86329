import { keyOf } from '../../value/key.ts';
import { equalValues, sortedEntries, sortedMembers } from '../../value/order.ts';
import { insert, member, sizeOf } from '../../value/object.ts';
import { add } from '../../value/set.ts';
import {
  isArray,
  isObject,
  isSet,
  type ObjectValue,
  type PlainObject,
  RegoMap,
  RegoSet,
  type Value,
} from '../../value/value.ts';
import { EvaluationError } from '../../engine.ts';

/*
 * What the statements of a plan do beyond one line of JavaScript. Undefined stands for Rego's undefined throughout: a
 * local that was never set, or a member that is not there.
 */

type Maybe = Value | undefined;
type Charge = (steps: number) => void;

/** The member of an object under a key, of an array at an index, or of a set when it has the key. */
function dot(source: Maybe, key: Value): Maybe {
  if (typeof source !== 'object' || source === null) return undefined;
  // Of an array only an index is read: "0" and "length" are no members.
  if (isArray(source)) return typeof key === 'number' ? source[key] : undefined;
  if (source instanceof RegoSet) return source.members.get(keyOf(key));
  return member(source, key);
}

/** What reading a property does not find: members of a set, and of an object with keys that are not all strings. */
function other(source: Maybe, key: string): Maybe {
  if (source instanceof RegoMap || source instanceof RegoSet) return dot(source, key);
  return undefined;
}

function equal(a: Maybe, b: Maybe): boolean {
  return a === b || (a !== undefined && b !== undefined && equalValues(a, b));
}

const none: readonly never[] = Object.freeze([]);

/** What a scan of anything but an array runs over: the members of a set, the entries of an object, nothing else. */
function items(source: Maybe, charge: Charge): readonly unknown[] {
  if (typeof source !== 'object' || source === null) return none;
  if (source instanceof RegoSet) return sortedMembers(source);
  const entries = sortedEntries(source as ObjectValue);
  charge(entries.length);
  return entries;
}

/** A key may be given twice only with equal values. */
function insertOnce(
  object: ObjectValue,
  key: Value,
  value: Value,
  file: string,
  row: number,
  col: number,
): ObjectValue {
  const before = member(object, key);
  if (before === undefined) return insert(object, key, value);
  if (equalValues(before, value)) return object;
  throw new EvaluationError(`${placeText(file, row, col)}eval_conflict_error: object keys must be unique`);
}

function conflict(file: string, row: number, col: number): never {
  const problem = 'eval_conflict_error: complete rules must not produce multiple outputs';
  throw new EvaluationError(`${placeText(file, row, col)}${problem}`);
}

const placeText = (file: string, row: number, col: number): string => (row === 0 ? '' : `${file}:${row}:${col}: `);

/** Base documents and rules under one path: members of both, and where both have one that is no object, the first's. */
function merge(a: Maybe, b: Maybe, charge: Charge): Maybe {
  if (a === undefined) return b;
  if (!isObject(a) || !isObject(b)) return a;
  charge(sizeOf(a) + sizeOf(b));
  let merged = copyOf(a);
  for (const [key, value] of sortedEntries(b)) {
    merged = insert(merged, key, merge(member(a, key), value, charge) as Value);
  }
  return merged;
}

/** A copy of `root` in which `path` leads to `value`; what stands in the way and is no object is replaced. */
function upsert(root: Maybe, path: readonly string[], value: Value, charge: Charge, at = 0): Value {
  const name = path[at];
  if (name === undefined) return value;
  const object = isObject(root) ? root : {};
  charge(1 + sizeOf(object));
  return insert(copyOf(object), name, upsert(member(object, name), path, value, charge, at + 1));
}

/** To be changed by whoever asked for it. Spreading makes own members, `__proto__` too. */
function copyOf(object: ObjectValue): ObjectValue {
  if (!(object instanceof RegoMap)) return { ...object };
  const copy = new RegoMap();
  for (const [key, entry] of object.members) copy.members.set(key, entry);
  return copy;
}

/** Elements, members, or code points, as `count` says. */
function lengthOf(source: Maybe): number {
  if (typeof source === 'string') return [...source].length;
  if (isArray(source)) return source.length;
  if (source instanceof RegoSet) return source.members.size;
  return isObject(source) ? sizeOf(source) : 0;
}

/** Functions by the path under which a dynamic call looks for them. */
type Callee = (input: Maybe, data: Maybe) => Maybe;
type CalleeTree = { readonly below: Map<string, CalleeTree>; callee: Callee | undefined };

function calleeTree(functions: readonly Callee[], paths: readonly (readonly string[] | undefined)[]): CalleeTree {
  const root: CalleeTree = { below: new Map(), callee: undefined };
  for (const [index, path] of paths.entries()) {
    if (path === undefined) continue;
    let node = root;
    for (const name of path) {
      const next: CalleeTree = node.below.get(name) ?? { below: new Map(), callee: undefined };
      node.below.set(name, next);
      node = next;
    }
    node.callee = functions[index];
  }
  return root;
}

function callee(tree: CalleeTree, path: readonly Maybe[]): Callee | undefined {
  let node: CalleeTree | undefined = tree;
  for (const name of path) {
    if (typeof name !== 'string') return undefined;
    node = node.below.get(name);
    if (node === undefined) return undefined;
  }
  return node.callee;
}

/** Remembers a collection that the running call has made and may therefore change. */
function own<T extends object>(owned: Set<unknown>, made: T): T {
  owned.add(made);
  return made;
}

function ownCopy(owned: Set<unknown>, value: Maybe): Maybe {
  if (owned.has(value) || value === undefined) return value;
  if (isArray(value)) return own(owned, [...value]);
  if (value instanceof RegoSet) {
    const copy = new RegoSet();
    for (const item of sortedMembers(value)) add(copy, item);
    return own(owned, copy);
  }
  if (isObject(value)) return own(owned, copyOf(value));
  throw new EvaluationError('eval_conflict_error: object keys must be unique');
}

export const runtime = {
  RegoSet,
  isArray: Array.isArray,
  isObject,
  isSet,
  dot,
  other,
  equal,
  items,
  add,
  insert,
  insertOnce,
  merge,
  upsert,
  lengthOf,
  callee,
  calleeTree,
  own,
  ownCopy,
  conflict,
} as const;
export type { PlainObject };
