import { sortedEntries } from '../../value/order.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { chargeForText } from './charge.ts';
import { unitsAt } from './code-points.ts';
import { object, text } from '../operands.ts';
import { splitAt } from './search.ts';

const replace: Builtin = (context, value, old, replacement) => {
  const [whole, wanted, instead] = [text(value, 1), text(old, 2), text(replacement, 3)];
  chargeForText(context, whole.length);
  if (wanted === '') return replaceAll(context, [['', instead]], whole);
  const pieces = splitAt(whole, wanted);
  // Before joining: with a long replacement for each letter, the result is the product of two operands.
  chargeForText(context, (pieces.length - 1) * (16 + instead.length));
  return pieces.join(instead);
};

type Replacement = readonly [old: string, replacement: string];

/** Patterns compete at each place in their order, so that of "a" and "ab" the first wins. */
const replaceN: Builtin = (context, patterns, value) => {
  const replacements = sortedEntries(object(patterns, 1)).map(([old, replacement]): Replacement => {
    if (typeof old !== 'string') throw new BuiltinError('operand 1 non-string key found in pattern object');
    if (typeof replacement !== 'string') throw new BuiltinError('operand 1 non-string value found in pattern object');
    return [old, replacement];
  });
  return replaceAll(context, replacements, text(value, 2));
};

/**
 * What Go's strings.Replacer does. An empty pattern fits before every character and at the end, and another one may fit
 * right after it at the same place.
 */
function replaceAll(context: BuiltinContext, replacements: readonly Replacement[], whole: string): string {
  context.charge(replacements.length + (whole.length >>> 2));
  const empty = replacements.find(([old]) => old === '')?.[1];
  const byFirstUnit = Map.groupBy(
    replacements.filter(([old]) => old !== ''),
    ([old]) => old.charCodeAt(0),
  );
  // Each candidate may be compared to its end at each place, and then not fit.
  const steps = new Map([...byFirstUnit].map(([unit, candidates]) => [unit, comparisonSteps(candidates)]));
  let made = '';
  let copied = 0;
  const put = (at: number, replacement: string, next: number) => {
    chargeForText(context, 16 + replacement.length);
    made += whole.slice(copied, at) + replacement;
    copied = next;
  };
  for (let at = 0; at <= whole.length; ) {
    if (empty !== undefined) put(at, empty, at);
    const unit = whole.charCodeAt(at);
    context.charge(steps.get(unit) ?? 0);
    const found = byFirstUnit.get(unit)?.find(([old]) => whole.startsWith(old, at));
    if (found === undefined) at += at < whole.length ? unitsAt(whole, at) : 1;
    else {
      put(at, found[1], at + found[0].length);
      at += found[0].length;
    }
  }
  return made + whole.slice(copied);
}

const comparisonSteps = (candidates: readonly Replacement[]): number =>
  candidates.reduce((sum, [old]) => sum + 1 + (old.length >>> 6), 0);

export const replaceBuiltins: Builtins = { replace, 'strings.replace_n': replaceN };
