import { calculate, maxQuotientDigits, type Operation } from '../../value/decimal.ts';
import { type NumberValue, RegoDecimal } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';

/*
 * Arithmetic for numbers with a fraction: 0.1 + 0.2 is 0.3 in Rego.
 */

const onDoubles = {
  plus: (a: number, b: number) => a + b,
  minus: (a: number, b: number) => a - b,
  times: (a: number, b: number) => a * b,
  dividedBy: (a: number, b: number) => a / b,
};

/** A double stands for the shortest decimal that reads back as it, which is what the policy or the input said. */
export function decimal(context: BuiltinContext, operation: Operation, a: NumberValue, b: NumberValue): NumberValue {
  context.charge(4);
  if (!(a instanceof RegoDecimal || b instanceof RegoDecimal)) {
    const quick = onMillionths(operation, a, b);
    if (quick !== undefined) return quick + 0;
    if (isRounded(a) || isRounded(b)) {
      const result = onDoubles[operation](Number(a), Number(b));
      if (Math.abs(result) < 2 ** 53) return result + 0;
    }
  }
  const longest = operation === 'dividedBy' ? maxQuotientDigits : textLength(a);
  context.charge(100 + ((longest * textLength(b)) >>> 5));
  const result = calculate(operation, a, b);
  if (result === undefined) throw new BuiltinError('the result is out of range');
  context.charge(textLength(result) >>> 3);
  return result;
}

const textLength = (value: NumberValue): number => (typeof value === 'number' ? 16 : String(value).length);

/** The same result a hundred times faster, for numbers with at most six decimals and few digits. */
function onMillionths(operation: Operation, a: number | bigint, b: number | bigint): number | undefined {
  const [x, y] = [millionths(a), millionths(b)];
  if (x === undefined || y === undefined) return undefined;
  const result = onDoubles[operation](x, y);
  // Integers so far; dividing them by a power of ten gives the double that is nearest.
  if (operation === 'dividedBy') return result;
  if (!Number.isSafeInteger(result)) return undefined;
  return operation === 'times' ? result / 1e12 : result / 1e6;
}

/** The integer of which the value is a millionth, when its decimal digits say so: up to fifteen of them are exact. */
function millionths(value: number | bigint): number | undefined {
  const scaled = Math.round(Number(value) * 1e6);
  return scaled / 1e6 === value && Math.abs(scaled) < 1e15 ? scaled : undefined;
}

/**
 * Whether a double has more digits than anybody writes: then it is what is left of a third, and its decimal digits mean
 * nothing. Three thirds are 1 as doubles, whose errors cancel, and 0.9999999999999999 as decimals.
 */
const isRounded = (value: number | bigint): boolean =>
  typeof value === 'number' && !Number.isInteger(value) && Number(value.toPrecision(15)) !== value;
