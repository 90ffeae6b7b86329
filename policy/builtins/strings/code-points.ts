/*
 * Go and Rego count characters by code point, JavaScript by UTF-16 unit. They differ only where there is a surrogate:
 * most text has none, and then a unit is a code point.
 */

const surrogate = /[\ud800-\udfff]/;

/** Whether text has characters of more than one unit, or half of one. */
export function hasSurrogates(text: string): boolean {
  if (text.length > shortLength) return surrogate.test(text);
  for (let i = 0; i < text.length; i++) if ((text.charCodeAt(i) & 0xf800) === 0xd800) return true;
  return false;
}

/** So much is looked through before a regular expression has begun. */
const shortLength = 64;

export function codePointCount(text: string): number {
  if (!hasSurrogates(text)) return text.length;
  let pairs = 0;
  for (let i = 1; i < text.length; i++) {
    if (isLow(text.charCodeAt(i)) && isHigh(text.charCodeAt(i - 1))) pairs++;
  }
  return text.length - pairs;
}

/** The unit at which the code point numbered `index` begins, or the length when there are fewer. */
export function unitOffset(text: string, index: number): number {
  let offset = 0;
  for (let left = index; left > 0 && offset < text.length; left--) offset += unitsAt(text, offset);
  return offset;
}

/** How many units the code point at this unit has. */
export const unitsAt = (text: string, offset: number): 1 | 2 =>
  isHigh(text.charCodeAt(offset)) && isLow(text.charCodeAt(offset + 1)) ? 2 : 1;

const isHigh = (unit: number): boolean => unit >= 0xd800 && unit < 0xdc00;
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit < 0xe000;
