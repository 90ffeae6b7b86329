import { BuiltinError } from '../builtin.ts';

/** Text between actions, or the tokens of one action. */
export type Piece = { readonly text: string } | { readonly tokens: readonly Token[] };

export type Token =
  | { readonly kind: 'field' | 'variable' | 'word' | 'sign'; readonly text: string; readonly spaced: boolean }
  | { readonly kind: 'literal'; readonly value: string | number; readonly text: string; readonly spaced: boolean };

const token = new RegExp(
  [
    '(?<literal>"(?:[^"\\\\\\n]|\\\\.)*"|`[^`]*`|[+-]?[0-9]+)',
    '(?<field>\\.[\\p{L}_][\\p{L}\\p{Nd}_]*)',
    '(?<variable>\\$(?:[\\p{L}_][\\p{L}\\p{Nd}_]*)?)',
    '(?<word>[\\p{L}_][\\p{L}\\p{Nd}_]*)',
    '(?<sign>:=|[=|(),.])',
  ].join('|'),
  'uy',
);

/** Splits a template of Go's text/template at `{{` and `}}`. Throws BuiltinError. */
export function piecesOf(template: string): readonly Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let trimNext = false;
  for (let open = template.indexOf('{{'); open >= 0; open = template.indexOf('{{', at)) {
    const trimBefore = /^-[ \t\r\n]/.test(template.slice(open + 2, open + 4));
    pieces.push({ text: trimmed(template.slice(at, open), trimNext, trimBefore) });
    const action = readAction(template, open + (trimBefore ? 3 : 2));
    if (action.tokens !== undefined) pieces.push({ tokens: action.tokens });
    at = action.end;
    trimNext = action.trimAfter;
  }
  pieces.push({ text: trimmed(template.slice(at), trimNext, false) });
  return pieces;
}

function trimmed(text: string, start: boolean, end: boolean): string {
  const [from, to] = [start ? text.search(/[^ \t\r\n]|$/) : 0, text.length];
  let last = to;
  while (end && last > from && ' \t\r\n'.includes(text[last - 1] as string)) last--;
  return text.slice(from, last);
}

/** A comment has no tokens, not even none. */
type Action = { readonly tokens: readonly Token[] | undefined; readonly end: number; readonly trimAfter: boolean };

function readAction(template: string, from: number): Action {
  if (template.startsWith('/*', from) || template.startsWith(' /*', from)) return readComment(template, from);
  const tokens: Token[] = [];
  let at = from;
  for (;;) {
    const start = at;
    while (' \t\r\n'.includes(template[at] ?? '!')) at++;
    const spaced = at > start || tokens.length === 0;
    if (template.startsWith('}}', at)) return { tokens, end: at + 2, trimAfter: false };
    if (spaced && template.startsWith('-}}', at)) return { tokens, end: at + 3, trimAfter: true };
    token.lastIndex = at;
    const groups = token.exec(template)?.groups ?? fail('unclosed or unsupported action');
    tokens.push(tokenOf(groups, spaced));
    at = token.lastIndex;
  }
}

function readComment(template: string, from: number): Action {
  const close = template.indexOf('*/', from);
  const rest = template.slice(close + 2, close + 6);
  if (close < 0) return fail('unclosed comment');
  if (rest.startsWith('}}')) return { tokens: undefined, end: close + 4, trimAfter: false };
  return rest === ' -}}'
    ? { tokens: undefined, end: close + 6, trimAfter: true }
    : fail('comment ends before closing delimiter');
}

function tokenOf(groups: Readonly<Record<string, string | undefined>>, spaced: boolean): Token {
  const { literal, field, variable, word, sign } = groups;
  if (literal !== undefined) return { kind: 'literal', value: literalValue(literal), text: literal, spaced };
  if (field !== undefined) return { kind: 'field', text: field.slice(1), spaced };
  if (variable !== undefined) return { kind: 'variable', text: variable, spaced };
  if (word !== undefined) return { kind: 'word', text: word, spaced };
  return { kind: 'sign', text: sign ?? '', spaced };
}

function literalValue(literal: string): string | number {
  if (literal.startsWith('`')) return literal.slice(1, -1);
  if (!literal.startsWith('"')) return wholeNumber(literal);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return fail('an escape that is not one of JSON');
  }
}

function wholeNumber(literal: string): number {
  const value = Number(literal);
  // A leading zero is octal in Go.
  return Number.isSafeInteger(value) && !/^[+-]?0./.test(literal) ? value : fail('unsupported number');
}

export function fail(reason: string): never {
  throw new BuiltinError(`template: ${reason}`);
}
