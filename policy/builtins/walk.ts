import { sortedEntries, sortedMembers } from '../value/order.ts';
import { isArray, isObject, RegoSet, type Value } from '../value/value.ts';
import type { Builtin, BuiltinContext, Builtins } from './builtin.ts';

type Path = readonly Value[];

/** A relation: a plan scans the pairs of path and value of everything that is in the document, itself first. */
const walk: Builtin = (context, document) => {
  const pairs: Value[] = [];
  visit(context, pairs, [], document);
  return pairs;
};

function visit(context: BuiltinContext, pairs: Value[], path: Path, value: Value): void {
  // Each pair has a path of its own: of a deep document they are the larger part.
  context.charge(4 + (path.length >>> 2));
  pairs.push([path, value]);
  for (const [key, part] of partsOf(value)) visit(context, pairs, [...path, key], part);
}

/** What a value consists of, by key and in order; a member of a set is its own key. */
function partsOf(value: Value): Iterable<readonly [Value, Value]> {
  if (isArray(value)) return value.entries();
  if (value instanceof RegoSet) return sortedMembers(value).map((member) => [member, member] as const);
  return isObject(value) ? sortedEntries(value) : [];
}

export const walkBuiltins: Builtins = { walk };
