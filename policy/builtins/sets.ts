import { addAll, filtered } from '../value/set.ts';
import { type Key, RegoSet, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, type Builtins } from './builtin.ts';
import { mismatch, set } from './operands.ts';

export function difference(context: BuiltinContext, a: RegoSet, b: RegoSet): RegoSet {
  if (b.members.size === 0) return a;
  return paidFiltered(context, a, (key) => !b.members.has(key));
}

function intersect(context: BuiltinContext, a: RegoSet, b: RegoSet): RegoSet {
  const [small, large] = a.members.size <= b.members.size ? [a, b] : [b, a];
  return paidFiltered(context, small, (key) => large.members.has(key));
}

function unite(context: BuiltinContext, sets: readonly RegoSet[]): RegoSet {
  const result = new RegoSet();
  for (const one of sets) {
    context.charge(one.members.size);
    addAll(result, one);
  }
  return result;
}

function paidFiltered(context: BuiltinContext, from: RegoSet, isWanted: (key: Key) => boolean): RegoSet {
  context.charge(from.members.size);
  return filtered(from, isWanted);
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
