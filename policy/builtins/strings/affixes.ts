import type { Value } from '../../value/value.ts';
import type { Builtin, BuiltinContext, Builtins } from '../builtin.ts';
import { chargeForText } from './charge.ts';
import { mismatch, texts } from '../operands.ts';

function oneOrMore(value: Value, position: number): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object') return mismatch(position, 'one of {string, set, array}', value);
  return texts(value, position);
}

/**
 * Whether any of the strings begins with any of the prefixes. Strings that begin with a prefix come right after it when
 * sorted, so that two long lists do not cost their product.
 */
function anyStartsWith(context: BuiltinContext, strings: readonly string[], prefixes: readonly string[]): boolean {
  for (const string of strings) chargeForText(context, string.length);
  context.charge(Math.ceil((strings.length + prefixes.length) * Math.log2(strings.length + 1)));
  if (strings.length === 1) return prefixes.some((prefix) => strings[0]?.startsWith(prefix));
  // By UTF-16 unit, whichever order: only that of the strings and that of the search must be the same.
  const sorted = strings.toSorted(compareUnits);
  return prefixes.some((prefix) => sorted[firstNotBefore(sorted, prefix)]?.startsWith(prefix));
}

function firstNotBefore(sorted: readonly string[], wanted: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

function compareUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

const reversed = (text: string): string => text.split('').toReversed().join('');

const anyPrefixMatch: Builtin = (context, strings, prefixes) =>
  anyStartsWith(context, oneOrMore(strings, 1), oneOrMore(prefixes, 2));

const anySuffixMatch: Builtin = (context, strings, suffixes) => {
  const [all, ends] = [oneOrMore(strings, 1), oneOrMore(suffixes, 2)];
  if (all.length === 1) return ends.some((suffix) => all[0]?.endsWith(suffix));
  for (const text of [...all, ...ends]) context.charge(text.length >>> 3);
  return anyStartsWith(context, all.map(reversed), ends.map(reversed));
};

export const affixBuiltins: Builtins = {
  'strings.any_prefix_match': anyPrefixMatch,
  'strings.any_suffix_match': anySuffixMatch,
};
