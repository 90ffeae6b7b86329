import type { Value } from '../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from './builtin.ts';
import { array, text } from './operands.ts';

/** Go's `fmt.Sprintf` as far as it is the same for every reader: `%s`, `%v`, `%d` and `%%` of scalars. */
const sprintf: Builtin = (_context, format, values) => {
  const rest = [...array(values, 2)];
  const made = text(format, 1).replaceAll(/%(.?)/gsu, (directive, verb: string) => {
    if (verb === '%') return '%';
    const [value] = rest.splice(0, 1);
    if (value === undefined) throw new BuiltinError(`no value for ${directive}`);
    return formatOne(directive, verb, value);
  });
  if (rest.length > 0) throw new BuiltinError('more values than places');
  return made;
};

function formatOne(directive: string, verb: string, value: Value): string {
  if ((verb === 's' || verb === 'v') && typeof value === 'string') return value;
  if (verb === 'v' && (typeof value === 'boolean' || value === null)) return String(value);
  if ((verb === 'd' || verb === 'v') && typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw new BuiltinError(`${directive} of ${typeof value}`);
}

export const sprintfBuiltins: Builtins = { sprintf };
