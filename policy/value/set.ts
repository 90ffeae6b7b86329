import { keyOf } from './key.ts';
import { type Key, RegoSet, type Value } from './value.ts';

export function setOf(values: Iterable<Value>): RegoSet {
  const set = new RegoSet();
  for (const value of values) add(set, value);
  return set;
}

export const has = (set: RegoSet, value: Value): boolean => set.members.has(keyOf(value));

/** For a set that is still being built. The member that was there first stays. */
export function add(set: RegoSet, value: Value): void {
  const key = keyOf(value);
  if (set.members.has(key)) return;
  set.members.add(key, value);
  set.sorted = undefined;
}

/** Adds all members of another set: their keys are known, and the key of a composite value is its whole text. */
export function addAll(set: RegoSet, from: RegoSet): void {
  const values = from.members.values();
  for (const [position, key] of from.members.keys().entries()) {
    if (!set.members.has(key)) set.members.add(key, values[position] as Value);
  }
  set.sorted = undefined;
}

/** The members whose keys are wanted, as a set of its own. */
export function filtered({ members }: RegoSet, isWanted: (key: Key) => boolean): RegoSet {
  const result = new RegoSet();
  const values = members.values();
  for (const [position, key] of members.keys().entries()) {
    if (isWanted(key)) result.members.add(key, values[position] as Value);
  }
  return result;
}
