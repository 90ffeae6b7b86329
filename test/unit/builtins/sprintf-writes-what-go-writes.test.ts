import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import type { Value } from '../../../policy/value/value.ts';
import { setOf } from '../../../policy/value/set.ts';
import { call } from './call.ts';

const big = 123_456_789_123_456_789_123n;

/** Each as Go 1.26 prints it; 20,000 random formats were compared with Go's own when this was written. */
const cases: readonly (readonly [string, readonly Value[], string])[] = [
  ['%s/%d%%', ['a', 5], 'a/5%'],
  ['%v %v %v', [1.5, true, null], '1.5 true null'],
  ['%v', [{ b: [1, 'x"'], a: setOf([2, 1]) }], '{"a": {1, 2}, "b": [1, "x\\""]}'],
  ['%v %v', [setOf([]), {}], 'set() {}'],
  ['%d|%5d|%-5d|%05d|%+d|% d', [1, 2, 3, 4, 5, 6], '1|    2|3    |00004|+5| 6'],
  ['%x %X %#x %o %#o %O %b %#b', [255, 255, 255, 8, 8, 8, 5, 5], 'ff FF 0xff 10 010 0o10 101 0b101'],
  ['%.3d|%8.3d|%.0d|%-+6d|%06d', [5, 5, 0, 5, -5], '005|     005||+5    |-00005'],
  ['%c%c %q %+q %U %#U', [65, 128_512, 65, 233, 233, 233], "A\u{1f600} 'A' '\\u00e9' U+00E9 U+00E9 '\u00e9'"],
  ['%c %U %#U', [0xd800, -1, 0xd800], '\ufffd U+FFFFFFFFFFFFFFFF U+D800'],
  ['%s %d %x %v', [big, big, big, big], `${big} ${big} 6b14e9f9b0df36a83 ${big}`],
  [
    '%f %.2f %8.3f|%-8.1f|%08.2f|%+.1f|% .1f',
    [1.5, 2.675, 3.14159, 2.25, -1.5, 2.5, 2.5],
    '1.500000 2.67    3.142|2.2     |-0001.50|+2.5| 2.5',
  ],
  ['%.0f %.0f %.0f', [0.5, 1.5, 2.5], '0 2 2'],
  ['%e %.2E %E', [1234.5678, 0.000123456, 1.5], '1.234568e+03 1.23E-04 1.500000E+00'],
  [
    '%g %G %.3g %.3g %g',
    [1e-7, 1e-7, 1234.5678, 0.00001234, 123_456_789.5],
    '1e-07 1E-07 1.23e+03 1.23e-05 1.234567895e+08',
  ],
  ['%#g %#.3g %#v %#x', [2.5, 2.5, 'a', 2.5], '2.50000 2.50 "a" 0x1.4000p+01'],
  ['%x %X %.2x %b', [2.5, 0.1, 0.1, 2.5], '0x1.4p+01 0X1.999999999999AP-04 0x1.9ap-04 5629499534213120p-51'],
  [
    '%.100f',
    [0.1],
    '0.1000000000000000055511151231257827021181583404541015625000000000000000000000000000000000000000000000',
  ],
  ['%.110f|%.25e', [0.5, 0.1], `0.5${'0'.repeat(109)}|1.0000000000000000555111512e-01`],
  ['%f', [100], '100.000000'],
  ['%e %g %.0f', [0, 0, 0], '0.000000e+00 0 0'],
  ['%x %.0x %.1x %g', [5e-324, 1.99, -1.75, 5e-324], '0x1p-1074 0x1p+01 -0x1.cp+00 5e-324'],
  [
    '%q %#q %+q %x %X % x %#x',
    ['a"\n', 'a', 'é', 'é', 'é', 'ab', 'ab'],
    '"a\\"\\n" `a` "\\u00e9" c3a9 C3A9 61 62 0x6162',
  ],
  ['%q', ['\u0000\u007f\u00a0\u{e0001}\t\\'], '"\\x00\\x7f\\u00a0\\U000e0001\\t\\\\"'],
  ['%5s|%-5s|%.2s|%05s', ['ab', 'ab', '\u{1f600}bc', 'ab'], '   ab|ab   |\u{1f600}b|000ab'],
  ['%T %T %T %T', ['a', 1, 1.5, big], 'string int64 float64 *big.Int'],
  ['%[2]s %[1]s %s', ['a', 'b'], 'b a b'],
  ['%*d|%-*d|%.*f|%[1]*d', [5, 1, 4, 2, 1, 2.25, 3], '    1|2   |2.2|    1'],
  ['%*d|', [-4, 1], '1   |'],
];

test('formats', async (t) => {
  for (const [format, values, text] of cases) t.equal(call('sprintf', format, values), text, format);
});

const complaints: readonly (readonly [string, readonly Value[], string])[] = [
  ['%d', ['a'], '%!d(string=a)'],
  ['%d', [1.5], '%!d(float64=1.5)'],
  ['%s', [1], '%!s(int64=1)'],
  ['%t', [true], '%!t(string=true)'],
  ['%5t', ['x'], '%!t(string=    x)'],
  ['%z', [big], `%!z(big.Int=${big})`],
  ['%d', [], '%!d(MISSING)'],
  ['x', [1, 'a'], 'x%!(EXTRA int64=1, string=a)'],
  ['%[3]d', [1], '%!d(BADINDEX)'],
  ['%[x]d %[1]2d %[1].2d', [1], '%!d(BADINDEX) %!d(BADINDEX) %!d(BADINDEX)'],
  ['%[', [1], '%!(NOVERB)'],
  ['%*d', ['a', 1], '%!(BADWIDTH)1'],
  ['%.*d', [-1, 1], '%!(BADPREC)1'],
  ['%*d', [1_000_001, 1], '%!(BADWIDTH)1'],
  ['a%', [], 'a%!(NOVERB)'],
  ['%99999999d', [1], '%!(NOVERB)%!(EXTRA int64=1)'],
  ['%.', [1], '%!.(int64=1)'],
];

test('mistakes show in the text and fail nothing', async (t) => {
  for (const [format, values, text] of complaints) t.equal(call('sprintf', format, values), text, format);
});

test('only what is no format or no array fails', async (t) => {
  t.throws(() => call('sprintf', 1, []), BuiltinError);
  t.throws(() => call('sprintf', '%d', 1), BuiltinError);
});

test('templates: an expression that is undefined says so', async (t) => {
  const parts = ['a ', setOf(['b']), setOf([]), setOf([['x', 1]]), 1, true, null];
  t.equal(call('internal.template_string', parts), 'a b<undefined>["x", 1]1truenull');
  t.throws(() => call('internal.template_string', [setOf([1, 2])]), BuiltinError);
  t.throws(() => call('internal.template_string', [[1]]), BuiltinError);
  t.equal(call('internal.print', [setOf([1])]), true);
});
