import { BuiltinError } from '../builtin.ts';

const anything = '[\\x{0}-\\x{10ffff}]';

/**
 * A regular expression for the whole of a text, from a glob as OPA's library reads it: `*` and `?` stop at separators,
 * `**` does not; `[a-c]`, `[!abc]`, `{one,two}`, and `\` before a character that stands for itself. Throws BuiltinError.
 */
export function globPattern(glob: string, separators: readonly string[]): string {
  const inner = separators.length === 0 ? anything : `[^${separators.map(literal).join('')}]`;
  const characters = Array.from(glob);
  const pieces: string[] = [];
  let level = 0;
  for (let at = 0; at < characters.length; at++) {
    const character = characters[at] as string;
    if (character === '[') {
      const { pattern, end } = characterClass(characters, at + 1);
      pieces.push(pattern);
      at = end;
    } else if (character === '*' && characters[at + 1] === '*') {
      pieces.push(`${anything}*`);
      at++;
    } else if (character === '\\') {
      at++;
      pieces.push(literal(characters[at] ?? fail('trailing backslash')));
    } else {
      pieces.push(one(character, level > 0, inner));
      if (character === '{') level++;
      if (character === '}' && level > 0) level--;
    }
  }
  if (level !== 0) return fail('unclosed `{`');
  return `^(?:${pieces.join('')})$`;
}

function one(character: string, inGroup: boolean, inner: string): string {
  switch (character) {
    case '*':
      return `${inner}*`;
    case '?':
      return inner;
    case '{':
      return '(?:';
    case ',':
      return inGroup ? '|' : literal(character);
    case '}':
      return inGroup ? ')' : literal(character);
    default:
      return literal(character);
  }
}

/** What stands after `[`: a range or a set of characters, never both; a `\` escapes in a set only. */
function characterClass(characters: readonly string[], from: number): { pattern: string; end: number } {
  const negated = characters[from] === '!';
  const start = negated ? from + 1 : from;
  const opening = negated ? '[^' : '[';
  if (characters[start + 1] === '-') {
    const first = characters[start] as string;
    const last = characters[start + 2];
    if (last === undefined || characters[start + 3] !== ']') return fail('expected close range character');
    if ((last.codePointAt(0) ?? 0) < (first.codePointAt(0) ?? 0)) return fail('range hi character is less than lo');
    return { pattern: `${opening}${literal(first)}-${literal(last)}]`, end: start + 3 };
  }
  const members: string[] = [];
  for (let at = start; at < characters.length; at++) {
    if (characters[at] === ']') {
      if (members.length === 0) return fail('could not parse range');
      return { pattern: `${opening}${members.map(literal).join('')}]`, end: at };
    }
    if (characters[at] === '\\') at++;
    const member = characters[at];
    if (member !== undefined) members.push(member);
  }
  return fail('unexpected end of input');
}

const literal = (character: string): string => `\\x{${(character.codePointAt(0) as number).toString(16)}}`;

function fail(reason: string): never {
  throw new BuiltinError(`glob: ${reason}`);
}
