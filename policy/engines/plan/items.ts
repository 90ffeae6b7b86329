import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { type Entry, type ObjectValue, RegoSet, type Value } from '../../value/value.ts';
import type { Charge } from './documents.ts';

const none: readonly never[] = Object.freeze([]);

/** The entries of frozen objects, which are data: they are sorted once and go when the data goes. */
const known = new WeakMap<object, readonly Entry[]>();

/** Sorting takes longer than looking, and the longer the more there is. */
const sortingSteps = (count: number): number => (count < 2 ? count : count * Math.ceil(Math.log2(count + 1) / 2));

/** What a scan of anything but an array runs over: the members of a set, the entries of an object, nothing else. */
export function items(source: Value | undefined, charge: Charge): readonly unknown[] {
  if (typeof source !== 'object' || source === null) return none;
  if (!(source instanceof RegoSet)) return known.get(source) ?? entriesOf(source as ObjectValue, charge);
  if (source.sorted === undefined) charge(sortingSteps(source.members.size));
  return sortedMembers(source);
}

function entriesOf(object: ObjectValue, charge: Charge): readonly Entry[] {
  const entries = sortedEntries(object);
  if (Object.isFrozen(object)) known.set(object, entries);
  else charge(sortingSteps(entries.length));
  return entries;
}
