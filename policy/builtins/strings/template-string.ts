import { isScalar, RegoSet, type Value } from '../../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from '../builtin.ts';
import { chargeForText } from './charge.ts';
import { array, mismatch } from '../operands.ts';
import { displayText } from '../sprintf/term-text.ts';

/** Strings with `{}` in them: the compiler makes a set of each expression, which is empty when that is undefined. */
const templateString: Builtin = (context, parts) => {
  let made = '';
  for (const part of array(parts, 1)) {
    const shown = partText(part);
    chargeForText(context, shown.length);
    made += shown;
  }
  return made;
};

function partText(part: Value): string {
  if (isScalar(part)) return displayText(part);
  if (!(part instanceof RegoSet)) return mismatch(1, 'array of primitives and sets', part);
  const [value, ...others] = part.members.values();
  if (others.length > 0) throw new BuiltinError('template-strings must not produce multiple outputs');
  return value === undefined ? '<undefined>' : displayText(value);
}

export const templateStringBuiltins: Builtins = {
  'internal.template_string': templateString,
  // What a policy prints is for its author and tests; a decision has nobody to print to.
  'internal.print': () => true,
};
