import { createRequire } from 'node:module';
import type * as Re2js from 're2js';

// Not loaded with this file: a proxy without patterns does without a quarter of a megabyte of source in each thread.
let loaded: typeof Re2js | undefined;
const re2js = (): typeof Re2js => (loaded ??= createRequire(import.meta.url)('re2js') as typeof Re2js);

/** Loads the library and has V8 compile it, which takes 40 ms: not during the first request that meets a pattern. */
export function prepareLinearRegex(): void {
  for (let length = 1; length <= warmUps; length++) compileLinearRegex(`^(a+)+${length}$`).test('a'.repeat(length));
}

/** V8 begins to compile what was called some hundred times. */
const warmUps = 200;

/** A compiled pattern in RE2's syntax. One search takes time linear in the text, whatever the pattern and the text. */
export type LinearRegex = {
  /** The number of instructions; a search costs at most this times the length of the text. */
  readonly size: number;
  readonly groupCount: number;
  readonly groupsByName: ReadonlyMap<string, number>;
  /** Does the pattern occur anywhere in the text? */
  readonly test: (text: string) => boolean;
  /** The leftmost match at or after `from`; undefined when there is none. */
  readonly find: (text: string, from: number) => Match | undefined;
};

/** Where the whole match begins and ends, then the same of each group; -1 for a group that took no part. */
export type Match = readonly number[];

/** A pattern that RE2 refuses. */
export class RegexSyntaxError extends Error {
  override readonly name = 'RegexSyntaxError';
}

/** Throws RegexSyntaxError. */
export function compileLinearRegex(pattern: string): LinearRegex {
  const { RE2Set } = re2js();
  const compiled = compile(pattern);
  const groupCount = compiled.groupCount();
  return {
    size: compiled.programSize(),
    groupCount,
    groupsByName: new Map(Object.entries(compiled.namedGroups())),
    test: (text) => compiled.test(text),
    find: (text, from) => {
      const found = compiled.re2().matchWithGroup(text, from, text.length, RE2Set.UNANCHORED, groupCount + 1);
      const [matched, bounds] = found as [boolean, readonly number[] | null];
      return matched && bounds !== null ? bounds : undefined;
    },
  };
}

function compile(pattern: string): Re2js.RE2JS {
  const { RE2JS } = re2js();
  try {
    return RE2JS.compile(pattern);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new RegexSyntaxError(message.replace(/^error parsing regexp: /, ''), { cause });
  }
}

/** A pattern that matches exactly this text. */
export const quoteRegex = (text: string): string => re2js().RE2JS.quote(text);
