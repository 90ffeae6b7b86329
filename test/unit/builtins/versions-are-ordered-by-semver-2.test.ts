import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { call } from './call.ts';

const inOrder = [
  '0.9.9',
  '1.0.0-alpha',
  '1.0.0-alpha.1',
  '1.0.0-alpha.beta',
  '1.0.0-beta',
  '1.0.0-beta.2',
  '1.0.0-beta.11',
  '1.0.0-rc.1',
  '1.0.0',
  '1.0.1',
  '1.10.0',
  '9007199254740992.0.0',
  '9007199254740993.0.0',
  '9223372036854775807.0.0',
];

test('the order of the specification, exact also beyond 2^53', async (t) => {
  for (const [i, a] of inOrder.entries()) {
    for (const [j, b] of inOrder.entries()) t.equal(call('semver.compare', a, b), Math.sign(i - j), `${a} ${b}`);
  }
  t.equal(call('semver.compare', 'v1.0.0+a', '1.0.0+b'), 0, 'metadata does not count');
});

test('what is no version is neither valid nor compared', async (t) => {
  const wrong = [
    '',
    '1',
    '1.0',
    '1.0.0.0',
    '01.0.0',
    '1.0.-1',
    'vv1.0.0',
    '=1.0.0',
    '1.0.0-',
    '1.0.0+',
    '1.0.0-01',
    '1.0.0-a..b',
    ' 1.0.0',
  ];
  for (const text of [
    ...wrong,
    '9223372036854775808.0.0',
    `${'9'.repeat(1_000_000)}.0.0`,
    `1.0.0-${'.'.repeat(100_000)}`,
  ]) {
    t.equal(call('semver.is_valid', text), false, text.slice(0, 40));
    t.throws(() => call('semver.compare', '1.0.0', text), BuiltinError, text.slice(0, 40));
  }
  t.equal(call('semver.is_valid', 1), false);
  t.equal(call('semver.is_valid', `1.0.0-${'a'.repeat(1_000)}`), true);
});
