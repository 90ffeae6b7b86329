import { Decimal } from 'decimal.js';
import { integer } from '../../value/number.ts';
import type { BuiltinContext } from '../builtin.ts';
import { chargeForSize } from './large-integer.ts';

/*
 * Arithmetic for numbers with a fraction: 0.1 + 0.2 is 0.3 in Rego.
 */

/** More digits than OPA keeps (64 bits, which are 20), and few enough that no operand makes an operation slow. */
const Exact = Decimal.clone({ precision: 40, rounding: Decimal.ROUND_HALF_EVEN });

const onDoubles = {
  plus: (a: number, b: number) => a + b,
  minus: (a: number, b: number) => a - b,
  times: (a: number, b: number) => a * b,
  dividedBy: (a: number, b: number) => a / b,
};

export type Operation = keyof typeof onDoubles;

/** A double stands for the shortest decimal that reads back as it, which is what the policy or the input said. */
export function decimal(
  context: BuiltinContext,
  operation: Operation,
  a: number | bigint,
  b: number | bigint,
): number | bigint {
  const quick = onMillionths(operation, a, b);
  if (quick !== undefined) return quick + 0;
  if (isRounded(a) || isRounded(b)) {
    const result = onDoubles[operation](Number(a), Number(b));
    if (Math.abs(result) < 2 ** 53) return result + 0;
  }
  context.charge(100);
  chargeForSize(context, a, b);
  const result = new Exact(String(a))[operation](String(b));
  // Only an integer can be beyond a double: the operands are doubles and integers.
  return result.isInteger() ? integer(BigInt(result.toFixed())) : result.toNumber();
}

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
