import fc from 'fast-check';
import { test } from 'tap';
import { UnsupportedPattern } from '../../../policy/schema/ecma-pattern.ts';
import { compileLinearPattern } from '../../../policy/schema/linear-pattern.ts';

const texts = [
  '',
  'a',
  'A',
  '_',
  '-',
  ']',
  '[',
  '^',
  ':',
  '\n',
  '\r',
  '\u2028',
  '\v',
  ' ',
  '\u00a0',
  '\ufeff',
  '\b',
  '0',
  '5',
  'é',
  'K',
  'ſ',
  'λ',
  '😀',
  'ab',
  'a\n',
  'aé',
  '/',
  '.',
  '\0',
  '\u0001',
  '\ue000',
];

const pieces = [
  'a',
  'b',
  '.',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\s',
  '\\S',
  '[\\s]',
  '[^\\s]',
  '[\\S]',
  '[^\\S]',
  '[\\w-]',
  '[^\\W]',
  '[\\D5]',
  '[a-c-e]',
  '[[:alpha:]',
  '[]',
  '[^]',
  '[\\b]',
  '[\\]]',
  '[\\^a]',
  '[^^]',
  '[-a]',
  '[a-]',
  '\\b',
  '\\B',
  '\\x41',
  '\\u0041',
  '\\u{1f600}',
  '\\ud83d\\ude00',
  '[\\ud83d\\ude00-\\u{1f610}]',
  '\\cA',
  '\\0',
  '\\/',
  '\\.',
  '\\$',
  '\\t',
  '\\n',
  '\\v',
  '\\p{Lu}',
  '\\P{L}',
  '[\\p{Ll}0]',
  '[^\\P{Lu}]',
  '\\p{Script=Greek}',
  '\\p{sc=Latin}',
  '(?:a|b)',
  '(a)',
  '(?<n>a)',
  '^',
  '$',
  '😀',
  '[😀é]',
];

for (const piece of pieces) {
  test(`${JSON.stringify(piece)} matches what V8 says it matches`, async (t) => {
    const ours = compileLinearPattern(piece);
    const theirs = new RegExp(piece, 'u');
    const wholeOurs = compileLinearPattern(`^(?:${piece})$`);
    const wholeTheirs = new RegExp(`^(?:${piece})$`, 'u');
    t.strictSame(
      texts.filter((text) => ours.test(text)),
      texts.filter((text) => theirs.test(text)),
    );
    t.strictSame(
      texts.filter((text) => wholeOurs.test(text)),
      texts.filter((text) => wholeTheirs.test(text)),
    );
  });
}

/**
 * Where a pattern ends in a class and `$`, V8 14.6 does not find a character beyond U+FFFF by a search: `/[^a]$/u` matches nothing
 * in one that a match from the beginning finds.
 */
const anywhere = (pattern: string) => new RegExp(`^[^]*?(?:${pattern})`, 'u');

test('so do arbitrary combinations', async (t) => {
  const quantifier = fc.constantFrom('', '*', '+', '?', '{2}', '{1,3}', '{0,}', '*?');
  const quantified = fc.tuple(
    fc.constantFrom(...pieces.filter((piece) => !/^(?:\\b|\\B|\^|\$|\(\?<n>a\))$/i.test(piece))),
    quantifier,
  );
  const pattern = fc.array(
    fc.oneof(
      quantified.map((pair) => pair.join('')),
      fc.constantFrom('|', '^', '$', '\\b'),
    ),
    { maxLength: 6 },
  );
  const text = fc.array(fc.constantFrom(...texts), { maxLength: 6 });
  fc.assert(
    fc.property(pattern, text, (parts, characters) => {
      const source = parts.join('');
      const subject = characters.join('');
      return compileLinearPattern(source).test(subject) === anywhere(source).test(subject);
    }),
    { numRuns: 3000, examples: [[['[^\\s]', '$'], ['😀']]] },
  );
  t.pass();
});

const unsupported: readonly (readonly [pattern: string, message: RegExp])[] = [
  ['^(?=a)', /lookahead/],
  ['^(?!a)', /lookahead/],
  ['(?<=a)b', /lookbehind/],
  ['(?<!a)b', /lookbehind/],
  ['(a)\\1', /backreference/],
  ['(?<x>a)\\k<x>', /backreference/],
  ['(?i:a)', /flags/],
  ['a{1001}', /1000; use maxLength/],
  ['(?:a{500}){500}', /1000/],
  ['\\p{Alphabetic}', /not supported/],
  ['\\p{Script=Klingon}', /./],
  ['(?i)a', /Invalid group/],
  ['[[:alpha:]]', /./],
  ['\\Aa\\z', /Invalid escape/],
  ['a**', /Nothing to repeat/],
  ['(', /Unterminated group/],
];
for (const [pattern, message] of unsupported) {
  test(`refused: ${pattern}`, async (t) => {
    t.throws(() => compileLinearPattern(pattern), new UnsupportedPattern(''));
    t.throws(() => compileLinearPattern(pattern), { message });
  });
}

test('compiled patterns can be told apart by their text, as ajv does', async (t) => {
  t.not(String(compileLinearPattern('a')), String(compileLinearPattern('b')));
});
