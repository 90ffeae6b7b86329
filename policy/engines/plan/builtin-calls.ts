import { BuiltinError } from '../../builtins/builtin.ts';
import { EvaluationError } from '../../engine.ts';
import { isArray, RegoSet, type Value } from '../../value/value.ts';
import { charactersPerStep, weigh } from './weigh.ts';

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

/** Built-ins that do more with a value than read it, and how much more. */
const factors: Readonly<Record<string, number>> = {
  'json.marshal': 20,
  'json.marshal_with_options': 20,
  'yaml.marshal': 8,
  sprintf: 4,
  walk: 4,
  'json.patch': 4,
  'object.union': 2,
  'object.union_n': 2,
};

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
    weightOf: (index: number): Weight => weightOf(names[index] ?? ''),
    bytesOf,
    stepsOf: resultSteps,
    failed: (thrown: unknown, index: number): undefined => {
      if (!(thrown instanceof BuiltinError)) throw thrown;
      if (!strict) return undefined;
      throw new EvaluationError(`${names[index]}: ${thrown.message}`, { cause: thrown });
    },
  };
}

function weightOf(name: string): Weight {
  if (shallow.has(name)) return topWeight;
  const factor = Object.hasOwn(factors, name) ? factors[name] : undefined;
  return factor === undefined ? weigh : (value, limit) => factor * weigh(value, limit / factor);
}

type Weight = (value: Value | undefined, limit: number) => number;

function topWeight(value: Value | undefined): number {
  if (typeof value === 'string') return Math.floor(value.length / charactersPerStep);
  return isArray(value) ? value.length >>> 4 : 0;
}

/** A result is written, which takes longer than looking at an operand; a set is looked into for each of its members. */
function resultSteps(value: Value | undefined): number {
  if (isArray(value)) return value.length >>> 2;
  return value instanceof RegoSet ? 4 * value.members.size : topWeight(value);
}

/** The size of a result that is new: of one that may be a part of an operand, only its outside. */
function bytesOf(value: Value | undefined): number {
  if (typeof value === 'string') return value.length;
  if (isArray(value)) return value.length * slotBytes;
  return value instanceof RegoSet ? value.members.size * memberBytes : slotBytes;
}
