/** A pattern that cannot be matched in linear time, or is no pattern. The message says which part. */
export class UnsupportedPattern extends Error {
  override readonly name = 'UnsupportedPattern';
}

/** ECMA-262 WhiteSpace and LineTerminator: RE2's `\s` knows five of them only. */
const space = '\\t-\\r \\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}';
const notSpace =
  '\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}' +
  '\\x{202a}-\\x{202e}\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}\\x{ff00}-\\x{10ffff}';

/** What stands between the brackets of a class for each named class of ECMA-262. */
const namedClasses: ReadonlyMap<string, string> = new Map([
  ['d', '0-9'],
  ['D', '\\x{0}-\\x{2f}\\x{3a}-\\x{10ffff}'],
  ['w', '0-9A-Z_a-z'],
  ['W', '\\x{0}-\\x{2f}\\x{3a}-\\x{40}\\x{5b}-\\x{5e}\\x{60}\\x{7b}-\\x{10ffff}'],
  ['s', space],
  ['S', notSpace],
]);

const controls: ReadonlyMap<string, number> = new Map([
  ['0', 0],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
]);

/** One character, or what stands for several between the brackets of a class. */
type Atom = { readonly character: number } | { readonly members: string };

/**
 * Rewrites an ECMA-262 `u` pattern, already found valid by V8, into one that means the same to RE2: the two differ in
 * `.`, `\s`, escapes, empty classes and `[` inside a class. Groups no longer capture, since only a match is asked for.
 * Throws UnsupportedPattern for lookaround, backreferences, inline flags and most Unicode properties.
 */
export function toRe2(pattern: string): string {
  const reader = new PatternReader(pattern);
  let out = '';
  while (!reader.done) {
    const c = reader.take();
    if (c === '\\') out += escape(reader);
    else if (c === '[') out += characterClass(reader);
    else if (c === '(') out += group(reader);
    else if (c === '.') out += '[^\\n\\r\\x{2028}\\x{2029}]';
    else out += c;
  }
  return out;
}

/** Walks over the code points of a pattern. */
class PatternReader {
  readonly #points: readonly string[];
  #at = 0;

  constructor(pattern: string) {
    this.#points = Array.from(pattern);
  }

  get done(): boolean {
    return this.#at >= this.#points.length;
  }

  peek(ahead = 0): string {
    return this.#points[this.#at + ahead] ?? '';
  }

  take(count = 1): string {
    const taken = this.#points.slice(this.#at, this.#at + count).join('');
    this.#at += count;
    return taken;
  }

  takeUntil(end: string): string {
    let taken = '';
    while (!this.done && this.peek() !== end) taken += this.take();
    this.take();
    return taken;
  }
}

function group(reader: PatternReader): string {
  if (reader.peek() !== '?') return '(?:';
  const kind = reader.peek(1);
  const side = reader.peek(2);
  if (kind === ':') reader.take(2);
  else if (kind === '=' || kind === '!') throw new UnsupportedPattern(`lookahead (?${kind} is not supported`);
  else if (kind === '<' && (side === '=' || side === '!')) {
    throw new UnsupportedPattern(`lookbehind (?<${side} is not supported`);
  } else if (kind === '<') reader.takeUntil('>');
  else throw new UnsupportedPattern('flags inside a pattern are not supported');
  return '(?:';
}

function escape(reader: PatternReader): string {
  const c = reader.peek();
  if (c === 'b' || c === 'B') return `\\${reader.take()}`;
  if (c === 'k' || (c >= '1' && c <= '9')) throw new UnsupportedPattern(`backreference \\${c} is not supported`);
  const atom = escapedAtom(reader);
  return 'members' in atom ? `[${atom.members}]` : codePoint(atom.character);
}

function characterClass(reader: PatternReader): string {
  const negated = reader.peek() === '^';
  if (negated) reader.take();
  let members = '';
  while (reader.peek() !== ']') {
    const from = classAtom(reader);
    if ('members' in from) members += from.members;
    else if (reader.peek() === '-' && reader.peek(1) !== ']') {
      reader.take();
      const to = classAtom(reader);
      if ('members' in to) throw new UnsupportedPattern('a range in a class ends in a class');
      members += `${codePoint(from.character)}-${codePoint(to.character)}`;
    } else members += codePoint(from.character);
  }
  reader.take();
  // `[]` matches nothing and `[^]` everything in ECMA-262; RE2 would read on for a closing bracket.
  if (members === '') return negated ? '[\\x{0}-\\x{10ffff}]' : '[^\\x{0}-\\x{10ffff}]';
  return `[${negated ? '^' : ''}${members}]`;
}

function classAtom(reader: PatternReader): Atom {
  const c = reader.take();
  if (c !== '\\') return { character: c.codePointAt(0) ?? 0 };
  if (reader.peek() !== 'b') return escapedAtom(reader);
  reader.take();
  return { character: 8 };
}

/** What stands behind a backslash and means the same inside and outside a class. */
function escapedAtom(reader: PatternReader): Atom {
  const c = reader.take();
  const members = namedClasses.get(c);
  if (members !== undefined) return { members };
  const control = controls.get(c);
  if (control !== undefined) return { character: control };
  if (c === 'c') return { character: (reader.take().codePointAt(0) ?? 0) % 32 };
  if (c === 'x') return { character: Number.parseInt(reader.take(2), 16) };
  if (c === 'u') return { character: unicodeEscape(reader) };
  if (c === 'p' || c === 'P') return { members: property(c, reader) };
  return { character: c.codePointAt(0) ?? 0 };
}

function unicodeEscape(reader: PatternReader): number {
  if (reader.peek() === '{') {
    reader.take();
    return Number.parseInt(reader.takeUntil('}'), 16);
  }
  const unit = Number.parseInt(reader.take(4), 16);
  const isHigh = unit >= 0xd800 && unit <= 0xdbff;
  if (!isHigh || reader.peek() !== '\\' || reader.peek(1) !== 'u' || reader.peek(2) === '{') return unit;
  const low = Number.parseInt([2, 3, 4, 5].map((ahead) => reader.peek(ahead)).join(''), 16);
  if (!(low >= 0xdc00 && low <= 0xdfff)) return unit;
  reader.take(6);
  return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

/** General categories by their short name and scripts: the two kinds that RE2 has under a name of its own. */
function property(letter: string, reader: PatternReader): string {
  reader.take();
  const name = reader.takeUntil('}');
  const script = /^(?:Script|sc)=(\w+)$/.exec(name)?.[1];
  if (script === undefined && !/^[A-Z][a-z]?$/.test(name)) {
    throw new UnsupportedPattern(
      `\\${letter}{${name}} is not supported; write \\p{L}, \\p{Lu}, ... or \\p{Script=Greek}`,
    );
  }
  return `\\${letter}{${script ?? name}}`;
}

function codePoint(character: number): string {
  return `\\x{${character.toString(16)}}`;
}
