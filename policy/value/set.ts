import { keyOf } from './key.ts';
import { RegoSet, type Value } from './value.ts';

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
  set.members.set(key, value);
  set.sorted = undefined;
}
