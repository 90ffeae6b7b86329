import { compileLinearRegex, type LinearRegex, RegexSyntaxError } from '../../linear-regex.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';

/** A policy may take a pattern from its input: what a pattern costs to compile and to keep is bounded. */
const maxPatternLength = 131_072;
const maxEntries = 1_000;
const maxTotalSize = 200_000;

/** Measured: 1 to 3 us for a character, 10 for one like `\pL`. */
const stepsPerPatternCharacter = 20;

/** Patterns by their source, the one that was used last at the end. */
const compiled = new Map<string, LinearRegex>();
let totalSize = 0;
/** A loop asks for the same pattern again and again. */
let recent: { readonly key: string; readonly regex: LinearRegex } | undefined;

/** `patternOf` makes the regular expression from the source, which may be in another notation. Throws BuiltinError. */
export function cachedRegex(
  { charge }: BuiltinContext,
  source: string,
  patternOf: (source: string) => string = (pattern) => pattern,
  notation = '',
): LinearRegex {
  const key = notation + source;
  if (recent?.key === key) return recent.regex;
  const known = compiled.get(key);
  if (known !== undefined) {
    compiled.delete(key);
    compiled.set(key, known);
    recent = { key, regex: known };
    return known;
  }
  if (source.length > maxPatternLength) {
    throw new BuiltinError(`a pattern has at most ${maxPatternLength} characters, this one has ${source.length}`);
  }
  charge(stepsPerPatternCharacter * source.length);
  const regex = compileOrFail(patternOf(source));
  keep(key, regex);
  return regex;
}

function compileOrFail(pattern: string): LinearRegex {
  try {
    return compileLinearRegex(pattern);
  } catch (cause) {
    if (cause instanceof RegexSyntaxError) throw new BuiltinError(cause.message, { cause });
    throw cause;
  }
}

function keep(key: string, regex: LinearRegex): void {
  compiled.set(key, regex);
  totalSize += regex.size;
  for (const [oldest, { size }] of compiled) {
    if (compiled.size <= maxEntries && totalSize <= maxTotalSize) return;
    compiled.delete(oldest);
    totalSize -= size;
  }
}

/** A search without groups runs on a DFA as long as that stays small, about 10 ns for a character. */
export function test({ charge }: BuiltinContext, regex: LinearRegex, text: string): boolean {
  charge(Math.ceil(6 + text.length / 2 + (text.length * regex.size) / 256));
  return regex.test(text);
}
