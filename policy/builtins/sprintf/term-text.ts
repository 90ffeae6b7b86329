import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { valueText } from '../../value/text.ts';
import { isArray, isScalar, RegoSet, type Value } from '../../value/value.ts';
import { quoted } from './quote.ts';

/** A value as Rego source would say it, which is how OPA prints one: `{"a": [1, 2]}`, `{1, 2}`, `set()`. */
export function termText(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (isScalar(value)) return valueText(value);
  if (isArray(value)) return `[${value.map(termText).join(', ')}]`;
  if (!(value instanceof RegoSet)) {
    return `{${sortedEntries(value)
      .map(([key, part]) => `${termText(key)}: ${termText(part)}`)
      .join(', ')}}`;
  }
  return value.members.size === 0 ? 'set()' : `{${sortedMembers(value).map(termText).join(', ')}}`;
}

/** The same with a string as it is: what string interpolation, `print` and `sprintf` make of a value. */
export const displayText = (value: Value): string => (typeof value === 'string' ? value : termText(value));
