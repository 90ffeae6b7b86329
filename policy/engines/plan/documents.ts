import { copyOf, insert, keysOf, member, sizeOf } from '../../value/object.ts';
import { isObject, type Value } from '../../value/value.ts';

export type Charge = (steps: number) => void;
type Maybe = Value | undefined;

/** Base documents and rules under one path: members of both, and where both have one that is no object, the first's. */
export function merge(a: Maybe, b: Maybe, charge: Charge): Maybe {
  if (a === undefined) return b;
  if (!isObject(a) || !isObject(b)) return a;
  charge(copySteps * (sizeOf(a) + sizeOf(b)));
  let merged = copyOf(a);
  for (const key of keysOf(b)) merged = insert(merged, key, merge(member(a, key), member(b, key), charge) as Value);
  return merged;
}

/** Adding a member to a large object takes several times longer than reading one. */
const copySteps = 12;

/** A copy of `root` in which `path` leads to `value`; what stands in the way and is no object is replaced. */
export function upsert(root: Maybe, path: readonly string[], value: Value, charge: Charge, at = 0): Value {
  const name = path[at];
  if (name === undefined) return value;
  const object = isObject(root) ? root : {};
  charge(1 + copySteps * sizeOf(object));
  return insert(copyOf(object), name, upsert(member(object, name), path, value, charge, at + 1));
}
