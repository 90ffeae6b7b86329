import { integer } from '../../value/number.ts';
import { isNumber, RegoSet } from '../../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { decimal } from './decimal.ts';
import { chargeForSize, limited } from './large-integer.ts';
import { mismatch, number } from '../operands.ts';
import { difference } from '../sets.ts';

/*
 * Integers are exact whatever their size, decimals as far as a double can hold the result. Each function tries the plain
 * double first: it is exact when the operands are integers and the result is a safe one. `+ 0` makes -0 the one zero.
 */

export function add(context: BuiltinContext, a: number | bigint, b: number | bigint): number | bigint {
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'plus', a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return limited(integer(BigInt(a) + BigInt(b)));
}

const subtract = (context: BuiltinContext, a: number | bigint, b: number | bigint): number | bigint =>
  add(context, a, typeof b === 'bigint' ? -b : 0 - b);

export function multiply(context: BuiltinContext, a: number | bigint, b: number | bigint): number | bigint {
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'times', a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  chargeForSize(context, a, b);
  return limited(integer(BigInt(a) * BigInt(b)));
}

function divide(context: BuiltinContext, a: number | bigint, b: number | bigint): number | bigint {
  if (b === 0) throw new BuiltinError('divide by zero');
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'dividedBy', a, b);
  // Of two safe integers a double is the number nearest to the quotient.
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return Number(a) / Number(b) + 0;
  chargeForSize(context, a, b);
  const dividend = BigInt(a);
  const divisor = BigInt(b);
  return dividend % divisor === 0n ? integer(dividend / divisor) : decimal(context, 'dividedBy', a, b);
}

/** The remainder of a division that truncates: it has the sign of the dividend. */
function remainder(context: BuiltinContext, a: number | bigint, b: number | bigint): number | bigint {
  if (b === 0) throw new BuiltinError('modulo by zero');
  if (!isInteger(a) || !isInteger(b)) throw new BuiltinError('modulo on floating-point number');
  if (typeof a === 'number' && typeof b === 'number') return (a % b) + 0;
  chargeForSize(context, a, b);
  return integer(BigInt(a) % BigInt(b));
}

const isInteger = (value: number | bigint): boolean => typeof value === 'bigint' || Number.isInteger(value);

const binary =
  (operation: (context: BuiltinContext, a: number | bigint, b: number | bigint) => number | bigint): Builtin =>
  (context, a, b) =>
    operation(context, number(a, 1), number(b, 2));

/** Rounding leaves an integer of any size as it is. */
const rounding =
  (round: (value: number) => number): Builtin =>
  (_context, value) =>
    typeof value === 'bigint' ? value : round(number(value, 1) as number) + 0;

const minus: Builtin = (context, a, b) => {
  if (isNumber(a) && isNumber(b)) return subtract(context, a, b);
  if (a instanceof RegoSet && b instanceof RegoSet) return difference(context, a, b);
  if (!isNumber(a) && !(a instanceof RegoSet)) return mismatch(1, 'one of {number, set}', a);
  return mismatch(2, isNumber(a) ? 'number' : 'set', b);
};

export const arithmeticBuiltins: Builtins = {
  plus: binary(add),
  minus,
  mul: binary(multiply),
  div: binary(divide),
  rem: binary(remainder),
  abs: (_context, value) => (typeof value === 'bigint' && value < 0n ? -value : rounding(Math.abs)(_context, value)),
  ceil: rounding(Math.ceil),
  floor: rounding(Math.floor),
  // Half away from zero; Math.round would take -2.5 to -2.
  round: rounding((value) => Math.sign(value) * Math.round(Math.abs(value))),
};
