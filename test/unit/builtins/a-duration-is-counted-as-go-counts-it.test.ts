import fc from 'fast-check';
import { test } from 'tap';
import { BuiltinError } from '../../../policy/builtins/builtin.ts';
import { integer } from '../../../policy/value/number.ts';
import { call } from './call.ts';

const parse = (text: string) => call('time.parse_duration_ns', text);

test("Go's units, and OPA's days, weeks and years of one length", async (t) => {
  t.equal(parse('1h15m30.918273645s'), 4_530_918_273_645);
  t.equal(parse('1\u00b5s'), 1_000);
  t.equal(parse('1d2h'), 26 * 3_600_000_000_000);
  t.equal(parse('1.5w'), 252 * 3_600_000_000_000);
  t.equal(parse('1y'), integer(365n * 86_400_000_000_000n));
  t.equal(parse('0'), 0);
  t.equal(parse('-0'), 0);
  t.equal(parse('.5s'), 500_000_000);
});

test('the range is that of an int64', async (t) => {
  t.equal(parse('9223372036854775807ns'), 2n ** 63n - 1n);
  t.equal(parse('-9223372036854775808ns'), -(2n ** 63n));
  for (const text of ['9223372036854775808ns', '300y', '99999999999999999999h', `${'9'.repeat(500)}y`]) {
    t.throws(() => parse(text), BuiltinError, text.slice(0, 30));
  }
});

test('anything else is no duration', async (t) => {
  for (const text of ['', '+', '1', '.s', 's', '1 h', '1x', '1h-1m', '--1h', '1e3s', '0x1s', '1.2.3s', 'Infinitys']) {
    t.throws(() => parse(text), BuiltinError, text);
  }
  t.throws(() => parse('1h'.repeat(1_000_000)), BuiltinError);
  t.throws(() => call('time.parse_duration_ns', 1), BuiltinError);
});

test('whole nanoseconds, written as seconds and the rest, are read exactly', async () => {
  const limit = 2n ** 53n;
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: limit }), (ns) => {
      return parse(`${ns / 1_000_000_000n}s${ns % 1_000_000_000n}ns`) === integer(ns);
    }),
  );
});
