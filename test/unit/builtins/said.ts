import { readValue } from '../../../policy/value/read-text.ts';
import { valueText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { call } from './call.ts';

/** Calls a built-in with operands in Rego's notation (`{1, 2}, "a"`), and gives the result in it. */
export function said(name: string, operands: string): string {
  const result = call(name, ...(readValue(`[${operands}]`) as readonly Value[]));
  return result === undefined ? 'undefined' : valueText(result);
}
