import { isArray, type Value } from '../../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from '../builtin.ts';
import { globPattern } from './pattern.ts';
import { mismatch, text } from '../operands.ts';
import { cachedRegex, test } from '../regex/pattern-cache.ts';

const match: Builtin = (context, pattern, delimiters, value) => {
  const source = text(pattern, 1);
  const separators = separatorsOf(delimiters);
  const subject = text(value, 3);
  const notation = `glob ${JSON.stringify(separators)} `;
  const regex = cachedRegex(context, source, (glob) => globPattern(glob, separators), notation);
  return test(context, regex, subject);
};

/** Null means none, and an empty array the dot. */
function separatorsOf(delimiters: Value | undefined): readonly string[] {
  if (delimiters === null) return [];
  if (!isArray(delimiters)) return mismatch(2, 'one of {array, null}', delimiters);
  if (delimiters.length === 0) return ['.'];
  return delimiters.map(oneCharacter);
}

function oneCharacter(delimiter: Value): string {
  if (typeof delimiter === 'string' && Array.from(delimiter).length === 1) return delimiter;
  throw new BuiltinError('operand 2 must be array of strings of one character');
}

const quoteMeta: Builtin = (_context, pattern) => text(pattern, 1).replaceAll(/[*?\\[\]{}]/g, '\\$&');

export const globBuiltins: Builtins = { 'glob.match': match, 'glob.quote_meta': quoteMeta };
