import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { integer, numberOf } from '../../../policy/value/number.ts';
import { valueText } from '../../../policy/value/text.ts';
import type { Value } from '../../../policy/value/value.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import { budget, call, callWith } from './call.ts';

test('what a double gets wrong in the last place', async (t) => {
  t.equal(call('plus', 0.1, 0.2), 0.3);
  t.equal(call('minus', 1, 0.9), 0.1);
  t.equal(call('mul', 0.1, 3), 0.3);
  t.equal(call('div', 0.3, 0.1), 3);
  t.equal(call('plus', 1e-9, 2e-9), 3e-9);
  t.equal(call('sum', [0.1, 0.2, 0.3]), 0.6);
  t.equal(call('product', [1.1, 1.1]), 1.21);
  t.equal(call('sum', [-(2n ** 64n), 12_345.678, 2n ** 64n]), 12_345.678);
});

test('what is left of a third adds up again', async (t) => {
  const third = call('div', 1, 3) as number;
  t.equal(call('mul', third, 3), 1);
  t.equal(call('plus', call('div', 2, 3) as number, third), 1);
});

test('decimals of any few digits, against integers', async () => {
  const digits = fc.integer({ min: -1_000_000, max: 1_000_000 });
  fc.assert(
    fc.property(digits, digits, fc.integer({ min: 0, max: 9 }), (a, b, places) => {
      const decimal = (units: number | bigint, at: number) => Number(`${units}e-${at}`) + 0;
      const [x, y] = [decimal(a, places), decimal(b, places)];
      return (
        call('plus', x, y) === decimal(a + b, places) &&
        call('minus', x, y) === decimal(a - b, places) &&
        call('mul', x, y) === decimal(BigInt(a) * BigInt(b), 2 * places)
      );
    }),
  );
});

test('integers are exact whatever their size', async () => {
  const any = fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }).map(integer);
  fc.assert(
    fc.property(any, any, (a, b) => {
      const [x, y] = [BigInt(String(a)), BigInt(String(b))];
      return (
        call('plus', a, b) === integer(x + y) &&
        call('minus', a, b) === integer(x - y) &&
        call('mul', a, b) === integer(x * y) &&
        (y === 0n || call('rem', a, b) === integer(x % y)) &&
        (y === 0n || call('div', integer(x * y), b) === a)
      );
    }),
  );
});

const said = (name: string, ...operands: readonly Value[]) => valueText(call(name, ...operands) as Value);
const number = (literal: string) => numberOf(literal) as Value;

test('a fraction is exact though no double holds it, and a quotient without end is the nearest double', async (t) => {
  t.equal(said('plus', 2n ** 64n, 2.5), '18446744073709551618.5');
  t.equal(said('plus', 0.1, number('1e-20')), '0.10000000000000000001');
  t.equal(said('div', 2n ** 64n + 1n, 2), '9223372036854775808.5');
  t.equal(call('div', number('0.1234567890123456789'), 7), 0.01763668414462081);
  t.equal(call('plus', 2n ** 64n, call('plus', 2.5, 0.5) as number), 2n ** 64n + 3n);
  t.equal(call('mul', 10n ** 300n, 0.1), 10n ** 299n);
  t.equal(said('mul', 1e-300, 1e-300), '1e-600');
});

test('how many digits stand before the point does not count', async (t) => {
  const long = `${'123456789'.repeat(7)}.5`;
  t.equal(said('abs', number(`-${long}`)), long);
  t.equal(said('minus', number(long), 0), long);
  t.equal(said('mul', number('1e-400'), 2), '2e-400');
});

test('what a double holds comes back as one', async (t) => {
  t.equal(call('div', number('1e400'), number('1e399')), 10);
  t.equal(call('minus', number('1e400'), number('1e400')), 0);
  t.equal(call('minus', number('0.1234567890123456789'), number('0.0000000000000000789')), 0.1234567890123456);
  t.equal(call('mul', number('1e-400'), number('1e400')), 1);
  t.equal(call('plus', number('1e-400'), 1n), call('plus', 1, number('1e-400')), 'beyond forty digits');
  t.equal(call('rem', number('1e400'), 7), 4);
});

test('integers are exact beyond doubles, too, until they are absurd', async (t) => {
  const large = call('mul', 2n ** 1000n, 2n ** 1000n) as Value;
  t.equal(valueText(large), String(2n ** 2000n));
  t.equal(said('plus', large, 1), String(2n ** 2000n + 1n));
  t.equal(call('div', large, 2n ** 1000n), 2n ** 1000n);
  t.equal(said('mul', number('1e20000'), 10), '1e20001');
  t.throws(() => call('plus', number('1e20000'), 1), BuiltinError);
  t.throws(() => call('mul', number('1e30000'), number('1e30000')), BuiltinError);
  t.throws(() => call('div', number('1e-30000'), number('1e30000')), BuiltinError);
});

test('aggregates and rounding of numbers that no double holds', async (t) => {
  const [large, small] = [number('1e400'), number('1e-400')];
  t.equal(said('sum', [large, large, 1n]), `2${'0'.repeat(399)}1`);
  t.equal(call('product', [large, small, 3]), 3);
  t.equal(call('max', [1, large, 2n ** 64n]), large);
  t.equal(call('min', [1, small, 0.5]), small);
  t.same(call('sort', [large, 1, small, 2n ** 64n, 0]), [0, small, 1, 2n ** 64n, large]);
  t.same(
    ['ceil', 'floor', 'round'].map((name) => call(name, small)),
    [1, 0, 0],
  );
  t.same(
    ['ceil', 'floor', 'round'].map((name) => said(name, number('-18446744073709551616.5'))),
    ['-18446744073709551616', '-18446744073709551617', '-18446744073709551617'],
  );
  t.equal(said('abs', number('-1e400')), '1e400');
  t.equal(call('abs', large), large);
});

test('forty digits are kept of a product of fractions, and no number makes an operation slow', async (t) => {
  const long = number(`0.${'1'.repeat(9_000)}`);
  t.equal(
    said('mul', number('0.1234567890123456789'), number('0.1234567890123456789')),
    '0.01524157875323883675019051998750190521',
  );
  t.throws(() => callWith(budget(), 'mul', long, long), EvaluationError);
});

test('rounding: half away from zero, and every integer is left as it is', async (t) => {
  t.same(
    [2.5, -2.5, 2.4, -0.4].map((value) => call('round', value)),
    [3, -3, 2, 0],
  );
  t.same(
    [2.1, -2.1, -0.5].map((value) => call('ceil', value)),
    [3, -2, 0],
  );
  // OPA's Go makes 0 of floor(-0.5), and 1 of ceil(-0.5); its WebAssembly, like this, does not.
  t.same(
    [2.9, -2.1, -0.5].map((value) => call('floor', value)),
    [2, -3, -1],
  );
  t.same(
    ['abs', 'round', 'ceil', 'floor'].map((name) => call(name, 2n ** 70n)),
    Array(4).fill(2n ** 70n),
  );
  t.equal(call('abs', -(2n ** 70n)), 2n ** 70n);
  t.equal(call('abs', -1.5), 1.5);
});

test('there is one zero', async (t) => {
  const zeros = [call('mul', 0, -5), call('div', 0, -5), call('rem', -4, 2), call('ceil', -0.5), call('mul', -0.5, 0)];
  for (const zero of zeros) t.ok(Object.is(zero, 0));
});

test('no quotient without a divisor, no remainder of fractions', async (t) => {
  for (const [name, ...operands] of [
    ['div', 1, 0],
    ['div', 0.5, 0],
    ['rem', 1, 0],
    ['rem', 2.5, 2],
    ['plus', 1, '1'],
    ['abs', 'x'],
  ] as const) {
    t.throws(() => call(name, ...operands), BuiltinError, name);
  }
});

test('minus is for sets, too, but not for one of each', async (t) => {
  t.throws(() => call('minus', 'a', 1), { message: 'operand 1 must be one of {number, set} but got string' });
  t.throws(() => call('minus', 1, 'a'), { message: 'operand 2 must be number but got string' });
});
