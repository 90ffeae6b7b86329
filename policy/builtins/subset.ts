import { entriesOf, member, sizeOf } from '../value/object.ts';
import { equalValues } from '../value/order.ts';
import { setOf } from '../value/set.ts';
import { isArray, isObject, type ObjectValue, RegoSet, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from './builtin.ts';

/** Whether all of `sub` is in `all`: undefined for two values that cannot be compared so. */
function isSubset(context: BuiltinContext, all: Value, sub: Value): boolean | undefined {
  if (isObject(all) && isObject(sub)) return isObjectSubset(context, all, sub);
  if (all instanceof RegoSet && sub instanceof RegoSet) return isSetSubset(context, all, sub);
  if (isArray(all) && isArray(sub)) return isRun(context, all, sub);
  return undefined;
}

/** Values under the same key may themselves be subsets. */
function isObjectSubset(context: BuiltinContext, all: ObjectValue, sub: ObjectValue): boolean {
  context.charge(sizeOf(sub));
  return entriesOf(sub).every(([key, part]) => {
    const whole = member(all, key);
    if (whole === undefined) return false;
    return isSubset(context, whole, part) ?? equalValues(whole, part);
  });
}

function isSetSubset(context: BuiltinContext, all: RegoSet, sub: RegoSet): boolean {
  context.charge(sub.members.size);
  for (const key of sub.members.keys()) if (!all.members.has(key)) return false;
  return true;
}

/** An array is in another when its items stand there in one run, in their order. */
function isRun(context: BuiltinContext, all: readonly Value[], run: readonly Value[]): boolean {
  context.charge(run.length >>> 2);
  for (let start = 0; start + run.length <= all.length; start++) {
    const differs = run.findIndex((item, i) => !equalValues(item, all[start + i] as Value));
    if (differs === -1) return true;
    context.charge(1 + (differs >>> 2));
  }
  return false;
}

const subset: Builtin = (context, all, sub) => {
  if (isArray(all) && sub instanceof RegoSet) {
    context.charge(all.length);
    return isSetSubset(context, setOf(all), sub);
  }
  const answer = isSubset(context, all, sub);
  if (answer !== undefined) return answer;
  throw new BuiltinError('both arguments object.subset must be of the same type or array and set');
};

export const subsetBuiltins: Builtins = { 'object.subset': subset };
