import fc from 'fast-check';
import { test } from 'tap';
import { wholeOf } from '../../../policy/value/decimal.ts';
import { keyOf } from '../../../policy/value/key.ts';
import { numberOf } from '../../../policy/value/number.ts';
import { compareValues, equalValues } from '../../../policy/value/order.ts';
import { partOf } from '../../../policy/value/part.ts';
import { readValue } from '../../../policy/value/read-text.ts';
import { jsonText, valueText } from '../../../policy/value/text.ts';
import { isNumber, isObject, RegoDecimal, typeName, type Value } from '../../../policy/value/value.ts';
import { literals } from './values.ts';

const read = (literal: string): Value => numberOf(literal) as Value;

/** The digits that count, and the power of ten of the last: computed with nothing of what is tested. */
function meaning(literal: string): string {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(literal) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const short = digits.replace(/0+$/, '');
  if (short === '') return '0';
  return `${sign}${short}e${Number(exponent) - fraction.length + digits.length - short.length}`;
}

test('a number is what its literal says, in one form, with a text that reads as the same number', async () => {
  fc.assert(
    fc.property(literals, (literal) => {
      const value = read(literal);
      const text = valueText(value);
      return meaning(text) === meaning(literal) && jsonText(value) === text && equalValues(readValue(text), value);
    }),
    { numRuns: 2_000 },
  );
});

test('two literals of one number give the same form, key and place in the order', async () => {
  fc.assert(
    fc.property(literals, fc.integer({ min: 1, max: 30 }), (literal, shift) => {
      const [, mantissa = '', exponent = '0'] = /^([^e]*)(?:e(.*))?$/.exec(literal) ?? [];
      const [a, b] = [read(literal), read(`${mantissa}${mantissa.includes('.') ? '' : '.'}000e${exponent}`)];
      const c = read(
        `${mantissa.replace('.', '')}${'0'.repeat(shift)}e${Number(exponent) - shift - (mantissa.split('.')[1]?.length ?? 0)}`,
      );
      return [b, c].every(
        (other) =>
          typeof a === typeof other &&
          equalValues(a, other) &&
          compareValues(a, other) === 0 &&
          String(keyOf(a)) === String(keyOf(other)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test('a double is made where its shortest text is the number, a bigint as far as doubles go', async (t) => {
  t.equal(read('0.1'), 0.1);
  t.equal(read('1e-7'), 1e-7);
  t.equal(read('5.0'), 5);
  t.equal(read('-0.0'), 0);
  t.equal(read('0e99'), 0);
  t.equal(read('1e23'), 10n ** 23n);
  t.equal(read('1.5e300'), 15n * 10n ** 299n);
  for (const literal of ['2e308', '-1e400', '1e-400', '0.1234567890123456789', '0.30000000000000000001']) {
    t.ok(read(literal) instanceof RegoDecimal, literal);
    t.equal(valueText(read(literal)), literal);
  }
  for (const beyond of ['1e40000', '1e-40000', '1e9000000000000001', '1e-9000000000000001', `1e-${'9'.repeat(40)}`]) {
    t.equal(numberOf(beyond), undefined, beyond);
  }
  t.equal(numberOf('-0.00e-9000000000000001'), 0);
  t.equal(numberOf('1'.repeat(10_001)), undefined);
});

test('a double that JSON.parse made of a large integer is the integer that was written', async (t) => {
  const written = read('1e23');
  t.ok(equalValues(JSON.parse('1e23') as Value, written));
  t.equal(compareValues(JSON.parse('1e23') as Value, written), 0);
  t.equal(keyOf(JSON.parse('1e23') as Value), keyOf(written));
  t.equal(wholeOf(1e300), 10n ** 300n);
  t.equal(wholeOf(-1.25e22), -12_500_000_000_000_000_000_000n);
  t.equal(wholeOf(-1.2345678901234567e30), -12345678901234567n * 10n ** 14n);
  // 12345678901234567168 by its bits.
  t.equal(wholeOf(12345678901234567000), 12345678901234567000n);
  t.equal(wholeOf(-0), 0n);
  t.equal(valueText(1e300), `1${'0'.repeat(300)}`);
});

test('a decimal is a number without parts, whatever its class can do', async (t) => {
  const decimal = read('1e400');
  t.equal(typeName(decimal), 'number');
  t.ok(isNumber(decimal));
  t.notOk(isObject(decimal));
  t.throws(() => JSON.stringify([decimal]), TypeError);
  for (const name of ['text', 'toString', 'toJSON', 'constructor', '__proto__'])
    t.equal(partOf(decimal, name), undefined, name);
  t.notOk(equalValues(decimal, {}));
  t.notOk(equalValues({}, decimal));
  t.ok(compareValues(decimal, '') < 0 && compareValues(decimal, true) > 0);
});
