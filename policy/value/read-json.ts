import { numberOf } from './number.ts';
import { ValueTextError } from './read-text.ts';
import type { NumberValue, Value } from './value.ts';

/** What reads or writes a value descends by recursion: deeper text would end in an exhausted stack, far from its cause. */
const maxDepth = 1000;

/** Where a number may not be what `JSON.parse` makes of it: many digits, an exponent of three, or -0. */
const unusualNumber = /[\d.]{16}|\d[eE][+-]?\d{3}|-0/;

/**
 * Reads JSON that a policy was handed in a string. Of two members with one name the last counts, as in OPA. Throws
 * ValueTextError, also for a number that OPA refuses (1e40000) and for nesting beyond 1,000.
 */
export function readJson(json: string): Value {
  const text = withoutLoneSurrogates(json);
  if (isTooDeep(text)) throw new ValueTextError(`nested deeper than ${maxDepth}`);
  try {
    if (!unusualNumber.test(text)) return JSON.parse(text) as Value;
    return JSON.parse(text, (_key: string, value: Value, at?: { readonly source?: string }) =>
      typeof value === 'number' && at?.source !== undefined ? exact(at.source) : value,
    ) as Value;
  } catch (cause) {
    if (cause instanceof ValueTextError) throw cause;
    throw new ValueTextError('not JSON', { cause });
  }
}

function exact(literal: string): NumberValue {
  const value = numberOf(literal);
  if (value === undefined) throw new ValueTextError('a number that is out of range');
  return value;
}

/** Counts brackets outside of strings; text that is not JSON may be refused for either reason. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (inString) {
      if (unit === 0x5c) i++;
      else if (unit === 0x22) inString = false;
    } else if (unit === 0x22) inString = true;
    else if (unit === 0x5b || unit === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (unit === 0x5d || unit === 0x7d) depth--;
  }
  return false;
}

/** An escape and what belongs to it; the group is half a surrogate pair. */
const anyEscape = /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/gs;

/** Half a surrogate pair becomes U+FFFD, as in Go; it would read as one of the bytes that `bytes.ts` keeps. */
function withoutLoneSurrogates(json: string): string {
  const text = json.toWellFormed();
  if (!/\\u[dD][89a-fA-F]/.test(text)) return text;
  return text.replaceAll(anyEscape, (escape, half?: string) => (half === undefined ? escape : '\\ufffd'));
}
