import fc from 'fast-check';
import { test } from 'tap';
import { compileLinearRegex } from '../../../policy/linear-regex.ts';
import { toRe2 } from '../../../policy/schema/ecma-pattern.ts';
import { compileLinearPattern } from '../../../policy/schema/linear-pattern.ts';
import { isStepwise } from '../../../policy/schema/stepwise-pattern.ts';

const stepwise: readonly string[] = [
  '^$',
  '^[A-Z]{3}-[0-9]{6}$',
  '^[a-z0-9-]+$',
  '^\\d{4}-\\d{2}-\\d{2}$',
  '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
  '^sha256:[0-9a-f]{64}$',
  '^/v1/[\\w.-]{1,64}$',
  '^\\$\\{\\w*$',
];
for (const pattern of stepwise) {
  test(`V8 matches ${pattern}`, async (t) => {
    t.ok(isStepwise(pattern));
  });
}

/** Each has a choice that another can undo, or is not held to both ends, or means something that was not looked into. */
const others: readonly string[] = [
  '^(a+)+$',
  '^a*a*$',
  '^a*b$',
  '^a?a$',
  '^a{1,2}b{3}$',
  '^(a)$',
  '^(?:a|b)$',
  '^a|b$',
  '^a',
  'a$',
  '^a$b$',
  '^^a$',
  '^a{1000}$',
  '^a{2}{3}$',
  '^a+?$',
  '^.{3}$',
  '^[^a]$',
  '^[]$',
  '^\\s$',
  '^\\W$',
  '^\\p{L}$',
  '^\\u0061$',
  '^[\\s]$',
  '^é$',
  '^a\n$',
  '^\\b$',
];
for (const pattern of others)
  test(`V8 does not match ${JSON.stringify(pattern)}`, async (t) => t.notOk(isStepwise(pattern)));

test('both engines say the same of every text', async (t) => {
  const atom = fc.constantFrom(
    'a',
    '-',
    '\\.',
    '\\d',
    '\\w',
    '[a-c]',
    '[\\w.-]',
    '[ -/]',
    '[a-]',
    '[\\]\\d]',
    '\\\\',
    '/',
    '_',
  );
  const step = fc.tuple(atom, fc.constantFrom('', '', '{2}', '{0}')).map((parts) => parts.join(''));
  const last = fc
    .tuple(atom, fc.constantFrom('', '*', '+', '?', '{0,2}', '{2,}', '{0,}'))
    .map((parts) => parts.join(''));
  const pattern = fc.tuple(fc.array(step, { maxLength: 4 }), last).map(([steps, end]) => `^${steps.join('')}${end}$`);
  const text = fc.array(
    fc.constantFrom('a', 'b', 'z', '-', '.', '5', '/', '\\', ']', ' ', '_', '\n', 'é', '😀', '\ud800'),
    { maxLength: 6 },
  );
  let matched = 0;
  fc.assert(
    fc.property(pattern, text, (source, characters) => {
      const subject = characters.join('');
      const { test: native } = compileLinearPattern(source);
      const said = native(subject);
      if (said) matched++;
      return isStepwise(source) && said === compileLinearRegex(toRe2(source)).test(subject);
    }),
    { numRuns: 2000 },
  );
  t.ok(matched > 20, `${matched} texts matched`);
});
