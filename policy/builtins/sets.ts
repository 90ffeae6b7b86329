import { type Key, RegoSet, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, type Builtins } from './builtin.ts';
import { mismatch, set } from './operands.ts';

/*
 * The results are made from the operands' maps: their keys are known, and computing the key of a composite value means
 * writing it as text.
 */

export function difference(context: BuiltinContext, a: RegoSet, b: RegoSet): RegoSet {
  if (b.members.size === 0) return a;
  return filtered(context, a, (key) => !b.members.has(key));
}

function intersect(context: BuiltinContext, a: RegoSet, b: RegoSet): RegoSet {
  const [small, large] = a.members.size <= b.members.size ? [a, b] : [b, a];
  return filtered(context, small, (key) => large.members.has(key));
}

function unite(context: BuiltinContext, sets: readonly RegoSet[]): RegoSet {
  const result = new RegoSet();
  for (const { members } of sets) {
    context.charge(members.size);
    for (const [key, value] of members) if (!result.members.has(key)) result.members.set(key, value);
  }
  return result;
}

function filtered(context: BuiltinContext, from: RegoSet, keeps: (key: Key) => boolean): RegoSet {
  context.charge(from.members.size);
  const result = new RegoSet();
  for (const [key, value] of from.members) if (keeps(key)) result.members.set(key, value);
  return result;
}

const or: Builtin = (context, a, b) => {
  const [left, right] = [set(a, 1), set(b, 2)];
  if (left.members.size === 0) return right;
  return right.members.size === 0 ? left : unite(context, [left, right]);
};

/** The members of a set of sets. */
function setsIn(value: Value): readonly RegoSet[] {
  return [...set(value, 1).members.values()].map((member) =>
    member instanceof RegoSet ? member : mismatch(1, 'set of sets', member),
  );
}

export const setBuiltins: Builtins = {
  and: (context, a, b) => intersect(context, set(a, 1), set(b, 2)),
  or,
  set_diff: (context, a, b) => difference(context, set(a, 1), set(b, 2)),
  intersection: (context, sets) => {
    const [first, ...others] = setsIn(sets);
    return others.reduce((common, next) => intersect(context, common, next), first ?? new RegoSet());
  },
  union: (context, sets) => unite(context, setsIn(sets)),
};
