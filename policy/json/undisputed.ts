import type { JsonObject } from './json-object.ts';
import { survivesAsDouble } from './number.ts';

const quote = 0x22;
const minus = 0x2d;
const point = 0x2e;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const lowerE = 0x65;
const openBrace = 0x7b;
const closeBrace = 0x7d;

const numberLike = /[-+.0-9eE]+/y;

/** Of recursion; what is deeper is left to the scanner. */
const maxFrames = 256;

/**
 * The value of a document that nothing can be said against, in a third of the time that the scanner takes; undefined for
 * any other, and for the scanner to say why. `JSON.parse` holds it to the grammar. Of two members of one name it keeps one,
 * so the names are known to differ when the value has as many members as the text has colons.
 */
export function parseUndisputed(text: string, maxDepth: number): { readonly value: unknown } | undefined {
  const colons = countColons(text, Math.min(maxDepth, maxFrames));
  if (colons === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return countMembers(value) === colons ? { value } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Those outside of strings; undefined where a number, an escape or the depth is to be looked at more closely. Where the
 * text is not JSON the count means nothing, and nobody asks for it.
 */
function countColons(text: string, maxDepth: number): number | undefined {
  const end = text.length;
  let colons = 0;
  let depth = 0;
  let escape = indexOf(text, '\\', 0);
  for (let at = 0; at < end; at++) {
    const c = text.charCodeAt(at);
    if (c === quote) {
      at = indexOf(text, '"', at + 1);
      while (escape < at) {
        if (isHalf(text, escape)) return undefined;
        if (escape + 1 === at) at = indexOf(text, '"', at + 1);
        escape = indexOf(text, '\\', escape + 2);
      }
    } else if (c === colon) colons++;
    else if (c === openBrace || c === openBracket) {
      if (++depth > maxDepth) return undefined;
    } else if (c === closeBrace || c === closeBracket) depth--;
    else if (c === minus || isDigit(c)) {
      const last = lastOfNumber(text, at);
      if (last === undefined) return undefined;
      at = last;
    }
  }
  return colons;
}

function indexOf(text: string, wanted: string, from: number): number {
  const found = text.indexOf(wanted, from);
  return found === -1 ? text.length : found;
}

/** Whether the escape may be one half of a surrogate pair. */
function isHalf(text: string, escape: number): boolean {
  return text.startsWith('ud', escape + 1) || text.startsWith('uD', escape + 1);
}

const isDigit = (c: number): boolean => c >= 0x30 && c <= 0x39;

/** Where the number ends that begins at `start`; undefined for one that means something else as a double. */
function lastOfNumber(text: string, start: number): number | undefined {
  let end = start + 1;
  let c = text.charCodeAt(end);
  while (isDigit(c) || c === point) c = text.charCodeAt(++end);
  // What is short and has no exponent is safe in any case.
  if (end - start <= 15 && (c | 0x20) !== lowerE) return end - 1;
  numberLike.lastIndex = start;
  const literal = numberLike.exec(text)?.[0] ?? '';
  return survivesAsDouble(literal) ? start + literal.length - 1 : undefined;
}

/** NaN, which equals no count, where one is named `__proto__`. */
function countMembers(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const item of value) members += countMembers(item);
    return members;
  }
  for (const name in value) {
    if (name === '__proto__') return Number.NaN;
    members += 1 + countMembers((value as JsonObject)[name]);
  }
  return members;
}
