import { type BuiltinContext, BuiltinError } from '../builtin.ts';

/** Code points from the first to the last. */
type Range = readonly [first: number, last: number];

/** What one character may be; the ranges are sorted and without overlaps. */
type Taken = { readonly kind: 'character' | 'any' | 'set'; readonly ranges: readonly Range[] };

/** One character of the patterns of `regex.globs_match`, which may be repeated. */
export type GlobToken = Taken & { readonly repeat: '' | '+' | '*' };

type Character = { readonly code: number; readonly escaped: boolean };

const any: Taken = { kind: 'any', ranges: [[0, 0x10ffff]] };
const dash = 0x2d;
const close = 0x5d;

/**
 * Characters, `.` for any, and sets, each of them possibly followed by `+` or `*`. Neighbours that repeat the same are
 * joined. Throws BuiltinError.
 */
export function globTokens({ charge }: BuiltinContext, glob: string): readonly GlobToken[] {
  charge(glob.length);
  const characters = unescape(glob);
  const tokens: GlobToken[] = [];
  let at = 0;
  while (at < characters.length) {
    const [taken, next] = oneToken(characters, at);
    const repeat = repetition(characters[next]);
    at = repeat === '' ? next : next + 1;
    const last = tokens.at(-1);
    if (last !== undefined && repeat !== '' && last.repeat !== '' && same(last, taken)) {
      if (repeat === '+') tokens[tokens.length - 1] = { ...last, repeat };
    } else tokens.push({ ...taken, repeat });
  }
  return tokens;
}

function unescape(glob: string): readonly Character[] {
  const characters: Character[] = [];
  let escaped = false;
  for (const character of glob) {
    if (character === '\\' && !escaped) {
      escaped = true;
      continue;
    }
    characters.push({ code: character.codePointAt(0) as number, escaped });
    escaped = false;
  }
  return escaped ? fail('the input ends with a \\') : characters;
}

function oneToken(characters: readonly Character[], at: number): readonly [Taken, number] {
  const { code, escaped } = characters[at] as Character;
  switch (escaped ? '' : String.fromCodePoint(code)) {
    case '.':
      return [any, at + 1];
    case '[':
      return setToken(characters, at + 1);
    case ']':
      return fail("set-close ']' with no preceding '['");
    case '+':
    case '*':
      return fail('a flag must be preceded by a non-flag');
    default:
      return [{ kind: 'character', ranges: [[code, code]] }, at + 1];
  }
}

function repetition(character: Character | undefined): GlobToken['repeat'] {
  if (character === undefined || character.escaped) return '';
  if (character.code === 0x2b) return '+';
  return character.code === 0x2a ? '*' : '';
}

/** What stands after `[`, up to and with `]`. */
function setToken(characters: readonly Character[], from: number): readonly [Taken, number] {
  const ranges: Range[] = [];
  let previous: number | undefined;
  for (let at = from; at < characters.length; at++) {
    const { code, escaped } = characters[at] as Character;
    if (!escaped && code === close) return [{ kind: 'set', ranges: merged(ranges) }, at + 1];
    if (escaped || code !== dash) {
      ranges.push([code, code]);
      previous = code;
      continue;
    }
    if (previous === undefined) return fail("the range character '-' must be preceded by a character");
    at++;
    ranges.push([previous, rangeEnd(characters[at], previous)]);
    previous = undefined;
  }
  return fail('found [ without matching ]');
}

function rangeEnd(character: Character | undefined, first: number): number {
  if (character === undefined) return fail("the range character '-' must be followed by a character");
  if (!character.escaped && (character.code === close || character.code === dash)) {
    return fail("the range character '-' cannot be followed by a special symbol");
  }
  return character.code < first ? fail('a range is out of order') : character.code;
}

function fail(message: string): never {
  throw new BuiltinError(message);
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const joined: [number, number][] = [];
  for (const [first, last] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const open = joined.at(-1);
    if (open !== undefined && first <= open[1] + 1) open[1] = Math.max(open[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

/** A set of one character is, here as in OPA, something else than that character. */
function same(a: Taken, b: Taken): boolean {
  if (a.kind !== b.kind || a.ranges.length !== b.ranges.length) return false;
  return a.ranges.every(([first, last], i) => first === b.ranges[i]?.[0] && last === b.ranges[i]?.[1]);
}

/** Whether there is a character that both tokens take. */
export function tokensMeet(a: GlobToken, b: GlobToken): boolean {
  if (a.kind === 'any' || b.kind === 'any') return true;
  let i = 0;
  let j = 0;
  while (i < a.ranges.length && j < b.ranges.length) {
    const [first, last] = a.ranges[i] as Range;
    const [otherFirst, otherLast] = b.ranges[j] as Range;
    if (first <= otherLast && otherFirst <= last) return true;
    if (last < otherLast) i++;
    else j++;
  }
  return false;
}
