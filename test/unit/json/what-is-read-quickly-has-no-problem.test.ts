import fc from 'fast-check';
import { test } from 'tap';
import { JsonScanner } from '../../../policy/json/scanner.ts';
import { parseUndisputed } from '../../../policy/json/undisputed.ts';

const maxDepth = 6;

/** Few names, so that they often meet, some of them written in two ways. */
const name = fc.constantFrom(
  '"a"',
  '"b"',
  '"\\u0061"',
  '""',
  '"é"',
  '"__proto__"',
  '"\\u005f_proto__"',
  '"a\\\\"',
  '"0"',
);
const scalar = fc.oneof(
  fc.constantFrom(
    'true',
    'null',
    '"',
    '"\\"',
    '"\\\\"',
    '"\\\\\\""',
    '"{\\"a\\":1,"',
    '"\\ud83d\\ude00"',
    '"\\udc00"',
    '"\\u00e9\\n"',
  ),
  fc.constantFrom(
    '-0',
    '01',
    '-',
    '1.',
    '1e2',
    '1E400',
    '1e-400',
    '9007199254740992',
    '9.0000000000000001',
    '1-2',
    '1e5e7',
  ),
  fc.double().map(String),
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
);
const space = fc.constantFrom('', '', '', ' ', '\n\t', '\f');
const document = fc.letrec<{ value: string }>((tie) => {
  const spaced = fc.tuple(space, tie('value'), space).map((parts) => parts.join(''));
  const member = fc
    .tuple(space, name, space, spaced)
    .map(([before, named, after, value]) => `${before}${named}${after}:${value}`);
  return {
    value: fc.oneof(
      { maxDepth: 8 },
      scalar,
      fc.array(spaced, { maxLength: 4 }).map((items) => `[${items.join()}]`),
      fc.array(member, { maxLength: 4 }).map((members) => `{${members.join()}}`),
    ),
  };
}).value;
/** Brackets, quotes and colons where they should not be. */
const damaged = fc
  .tuple(document, fc.nat(), fc.constantFrom(...Array.from('[]{}",:\\ 1\u0001')))
  .map(([text, at, put]) => {
    const i = at % (text.length + 1);
    return text.slice(0, i) + put + text.slice(i + 1);
  });

const stats = { quick: 0, problem: 0 };
function agrees(text: string): boolean {
  const quick = parseUndisputed(text, maxDepth);
  const found = new JsonScanner(text, maxDepth).scan();
  if (quick !== undefined) stats.quick++;
  else if (found !== undefined) stats.problem++;
  return quick === undefined || found === undefined;
}

test('what the quick reading accepts, the scanner finds nothing wrong with', async (t) => {
  fc.assert(fc.property(fc.oneof(document, damaged), agrees), { numRuns: 2500 });
  t.ok(stats.quick > 300, `${stats.quick} were read quickly`);
  t.ok(stats.problem > 300, `${stats.problem} had a problem`);
});

const quick: readonly string[] = [
  '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
  ' { "a:b" : ":" } ',
  '{"say":"\\"{\\":\\\\","0":0.1,"\\u0061":-1.5e3}',
  '{"constructor":1,"toString":2}',
  '["\\\\","\\\\\\"",""]',
  '0.30000000000000004',
];
for (const text of quick) {
  test(`read quickly: ${text}`, async (t) => {
    t.strictSame(parseUndisputed(text, maxDepth), { value: JSON.parse(text) });
  });
}

const looksFine: readonly (readonly [what: string, text: string])[] = [
  ['one level more than allowed', '[[[[[[[1]]]]]]]'],
  ['a member twice, hidden from who takes an escaped quote for the end', String.raw`{"x":"\"","a":1,"a":":"}`],
  ['a member twice, hidden from who takes an escaped backslash for an escape', String.raw`{"x":"\\","a":1,"a":":"}`],
  ['a member twice, in an object of which another member twice is made up for', '{"a":{"b":1,"b":2,":":":"}}'],
];
for (const [what, text] of looksFine) {
  test(`left to the scanner: ${what}`, async (t) => {
    t.equal(parseUndisputed(text, maxDepth), undefined);
    t.not(new JsonScanner(text, maxDepth).scan(), undefined);
  });
}
