import type { Builtin, Builtins } from '../builtin.ts';
import { text } from '../operands.ts';

/*
 * Go maps each character to one (unicode.ToLower). JavaScript maps text: "ß" becomes "SS", and a sigma at the end of a
 * word another one than elsewhere. For ASCII they are the same.
 */

const ascii = /^[\0-\u007f]*$/;

const mapped =
  (whole: (text: string) => string, one: (char: string) => string): Builtin =>
  (context, value) => {
    const original = text(value, 1);
    if (ascii.test(original)) {
      context.charge(original.length >>> 6);
      return whole(original);
    }
    context.charge(original.length);
    let made = '';
    for (const char of original) made += one(char);
    return made;
  };

function upperChar(char: string): string {
  const upper = char.toUpperCase();
  if (isOneChar(upper)) return upper;
  // Greek letters with an iota below have a capital of their own, which JavaScript spells as two letters.
  return withIota(char) ?? char;
}

function lowerChar(char: string): string {
  const lower = char.toLowerCase();
  // Only the dotted capital I becomes two characters.
  return isOneChar(lower) ? lower : 'i';
}

function withIota(char: string): string | undefined {
  const point = char.codePointAt(0) as number;
  if (point >= 0x1f80 && point <= 0x1faf) return String.fromCodePoint(point | 8);
  return [0x1fb3, 0x1fc3, 0x1ff3].includes(point) ? String.fromCodePoint(point + 9) : undefined;
}

const isOneChar = (text: string): boolean => text.length === String.fromCodePoint(text.codePointAt(0) as number).length;

export const letterCaseBuiltins: Builtins = {
  lower: mapped((value) => value.toLowerCase(), lowerChar),
  upper: mapped((value) => value.toUpperCase(), upperChar),
};
