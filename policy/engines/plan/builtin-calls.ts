import { type Builtin, type BuiltinContext, BuiltinError } from '../../builtins/builtin.ts';
import { EvaluationError } from '../../engine.ts';
import { isArray, RegoSet, type Value } from '../../value/value.ts';
import { weigh } from './weigh.ts';

/** Built-ins that do not read what is inside their operands; those that copy or compare it charge for that themselves. */
const shallow: ReadonlySet<string> = new Set([
  'and',
  'array.concat',
  'array.reverse',
  'array.slice',
  'count',
  'internal.member_3',
  'intersection',
  'is_array',
  'is_boolean',
  'is_null',
  'is_number',
  'is_object',
  'is_set',
  'is_string',
  'minus',
  'object.get',
  'object.keys',
  'or',
  'time.now_ns',
  'type_name',
  'union',
]);

/** A slot of a collection, and what a set or an object needs to find it. */
const slotBytes = 16;
const memberBytes = 64;

/**
 * What a module calls a built-in through. Every call pays for its operands before, and for its result after: a built-in
 * itself charges only what grows faster than they do.
 */
export function builtinRuntime(strict: boolean, names: readonly string[]) {
  return {
    /** Steps for an operand: by name, how much of it is read. */
    weightOf: (index: number) => (shallow.has(names[index] ?? '') ? topWeight : weigh),
    bytesOf,
    failed: (thrown: unknown, index: number): undefined => {
      if (!(thrown instanceof BuiltinError)) throw thrown;
      if (!strict) return undefined;
      throw new EvaluationError(`${names[index]}: ${thrown.message}`, { cause: thrown });
    },
  };
}

export type CallableBuiltins = { readonly builtins: readonly Builtin[]; readonly context: BuiltinContext };

function topWeight(value: Value): number {
  if (typeof value === 'string') return value.length >>> 6;
  return isArray(value) ? value.length >>> 6 : 0;
}

/** The size of a result that is new: of one that may be a part of an operand, only its outside. */
function bytesOf(value: Value | undefined): number {
  if (typeof value === 'string') return value.length;
  if (isArray(value)) return value.length * slotBytes;
  return value instanceof RegoSet ? value.members.size * memberBytes : slotBytes;
}
