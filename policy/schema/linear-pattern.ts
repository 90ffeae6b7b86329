import { compileLinearRegex } from '../linear-regex.ts';
import { toRe2, UnsupportedPattern } from './ecma-pattern.ts';
import { isStepwise } from './stepwise-pattern.ts';

/** Matches in time linear in the text, whatever the pattern and the text. */
export type LinearPattern = { readonly test: (text: string) => boolean; readonly toString: () => string };

/**
 * Compiles the `pattern` of a JSON Schema, an ECMA-262 expression with the `u` flag, unanchored, for an automaton in
 * place of V8's backtracking (`^(a+)+$` and 28 characters stopped the event loop for 18.8 s), which is left those that give
 * it nothing to go back to. Throws UnsupportedPattern.
 */
export function compileLinearPattern(pattern: string): LinearPattern {
  const native = compileNative(pattern);
  // ajv tells compiled patterns apart by their text.
  const toString = () => `/${pattern}/u`;
  if (isStepwise(pattern)) return { test: (text) => native.test(text), toString };
  const translated = toRe2(pattern);
  try {
    return { test: compileLinearRegex(translated).test, toString };
  } catch (cause) {
    throw new UnsupportedPattern(reasonOf(cause), { cause });
  }
}

/** Most are only compiled by V8, never run. */
function compileNative(pattern: string): RegExp {
  try {
    return new RegExp(pattern, 'u');
  } catch (cause) {
    throw new UnsupportedPattern(reasonOf(cause), { cause });
  }
}

/** V8 says `...: reason` and repeats the pattern, which the caller shows anyway. */
function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.includes('invalid repeat count')) return 'a repeat count is larger than 1000; use maxLength';
  if (message.startsWith('Invalid regular expression')) return message.slice(message.lastIndexOf(': ') + 2);
  return message;
}
