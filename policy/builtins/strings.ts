import { EvaluationError } from '../engine.ts';
import type { Builtin } from './builtin.ts';

/**
 * Go's `fmt.Sprintf` as far as it is the same for every reader: `%s`, `%v`, `%d` and `%%` of strings, integers,
 * booleans and null. The rest is an error and not undefined: a `deny` rule that builds its message with it would
 * silently not fire.
 */
const sprintf: Builtin = ([format, values]) => {
  if (typeof format !== 'string' || !Array.isArray(values)) return undefined;
  const rest = [...(values as readonly unknown[])];
  const text = format.replaceAll(/%(.?)/gsu, (directive, verb: string) => {
    if (verb === '%') return '%';
    if (rest.length === 0) throw new EvaluationError(`sprintf: no value for ${directive} in ${JSON.stringify(format)}`);
    return formatOne(directive, verb, rest.shift());
  });
  if (rest.length > 0) throw new EvaluationError(`sprintf: more values than ${JSON.stringify(format)} has places`);
  return JSON.stringify(text);
};

function formatOne(directive: string, verb: string, value: unknown): string {
  if ((verb === 's' || verb === 'v') && typeof value === 'string') return value;
  if (verb === 'v' && (typeof value === 'boolean' || value === null)) return String(value);
  if ((verb === 'd' || verb === 'v') && Number.isSafeInteger(value)) return String(value);
  throw new EvaluationError(`sprintf: ${directive} of ${typeof value} is not offered by this engine`);
}

export const stringBuiltins: readonly (readonly [string, Builtin])[] = [['sprintf', sprintf]];
