import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { type Entry, type ObjectValue, RegoSet, type Value } from '../../value/value.ts';
import type { Charge } from './documents.ts';

const none: readonly never[] = Object.freeze([]);

/** The entries of frozen objects, which are data: they are sorted once and go when the data goes. */
const known = new WeakMap<object, readonly Entry[]>();

/** Sorting takes longer than looking. */
const sortingSteps = 2;

/** What a scan of anything but an array runs over: the members of a set, the entries of an object, nothing else. */
export function items(source: Value | undefined, charge: Charge): readonly unknown[] {
  if (typeof source !== 'object' || source === null) return none;
  if (!(source instanceof RegoSet)) return known.get(source) ?? entriesOf(source as ObjectValue, charge);
  if (source.sorted === undefined) charge(source.members.size * sortingSteps);
  return sortedMembers(source);
}

function entriesOf(object: ObjectValue, charge: Charge): readonly Entry[] {
  const entries = sortedEntries(object);
  charge(entries.length * sortingSteps);
  if (Object.isFrozen(object)) known.set(object, entries);
  return entries;
}
