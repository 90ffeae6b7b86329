/** The character classes of RFC 9110 section 5.6 and RFC 3986, as tables over the 128 ASCII codes. */

function table(characters: string): Uint8Array {
  const bits = new Uint8Array(256);
  for (const character of characters) bits[character.charCodeAt(0)] = 1;
  return bits;
}

const digits = '0123456789';
const lower = 'abcdefghijklmnopqrstuvwxyz';
const alphanumeric = digits + lower + lower.toUpperCase();
const tokenMarks = "!#$%&'*+-.^_`|~";
const visible = String.fromCharCode(...Array.from({ length: 0x7e - 0x20 }, (_, index) => 0x21 + index));

/** Which bytes may stand in a place. */
export type CharacterClass = Uint8Array;

export const token: CharacterClass = table(tokenMarks + alphanumeric);

/** A field name of HTTP/2 (RFC 9113 section 8.2.1). */
const lowerCaseToken: CharacterClass = table(tokenMarks + digits + lower);

/** A field value of visible ASCII, space and tab: obs-text has no agreed meaning (CVE-2026-73552), so it has no place. */
export const fieldValue: CharacterClass = table(`\t ${visible}`);

/** A field value or a reason phrase of a response may have obs-text, which is passed on byte for byte: nothing is judged by it. */
export const responseText: CharacterClass = table(
  `\t ${visible}${String.fromCharCode(...Array.from({ length: 0x80 }, (_, index) => 0x80 + index))}`,
);

export const visibleCharacter: CharacterClass = table(visible);

/** Where the first byte stands that is not of the class. */
export function endOf(characters: CharacterClass, bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && characters[bytes[at] as number] === 1) at += 1;
  return at;
}

function every(text: string, start: number, end: number, allowed: CharacterClass): boolean {
  for (let index = start; index < end; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 0xff || allowed[code] !== 1) return false;
  }
  return true;
}

export function isToken(text: string, start: number, end: number): boolean {
  return end > start && every(text, start, end, token);
}

export function isLowerCaseToken(text: string): boolean {
  return text !== '' && every(text, 0, text.length, lowerCaseToken);
}

/** Whether it is visible ASCII alone, and some of it. */
export function isVisible(text: string): boolean {
  return text !== '' && every(text, 0, text.length, visibleCharacter);
}

export function isFieldValue(text: string, start: number): boolean {
  return every(text, start, text.length, fieldValue);
}

/** Canonical decimal without sign, leading zero or more digits than a double holds exactly; undefined otherwise. */
export function canonicalLength(text: string): number | undefined {
  if (text.length === 0 || text.length > 15 || (text.length > 1 && text[0] === '0')) return undefined;
  let value = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}
