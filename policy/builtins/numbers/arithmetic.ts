import { roundDecimal, wholeOf } from '../../value/decimal.ts';
import { integer } from '../../value/number.ts';
import { compareNumbers } from '../../value/order.ts';
import { isNumber, type NumberValue, RegoSet } from '../../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { decimal } from './decimal.ts';
import { chargeForSize, limited } from './large-integer.ts';
import { mismatch, number } from '../operands.ts';
import { difference } from '../sets.ts';

/*
 * Each function tries the plain double first: it is exact when the operands are integers and the result is a safe one.
 * `+ 0` makes -0 the one zero.
 */

export function add(context: BuiltinContext, a: NumberValue, b: NumberValue): NumberValue {
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'plus', a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return integer(exact(a) + exact(b));
}

function subtract(context: BuiltinContext, a: NumberValue, b: NumberValue): NumberValue {
  if (typeof b === 'number') return add(context, a, 0 - b);
  return typeof b === 'bigint' ? add(context, a, -b) : decimal(context, 'minus', a, b);
}

export function multiply(context: BuiltinContext, a: NumberValue, b: NumberValue): NumberValue {
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'times', a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    const product = a * b;
    if (Number.isSafeInteger(product)) return product + 0;
  }
  // A bigint has at most 1,024 bits. Beyond, the product is written as text.
  context.charge(40);
  return integer(exact(a) * exact(b));
}

function divide(context: BuiltinContext, a: NumberValue, b: NumberValue): NumberValue {
  if (b === 0) throw new BuiltinError('divide by zero');
  if (!isInteger(a) || !isInteger(b)) return decimal(context, 'dividedBy', a, b);
  // Of two safe integers a double is the number nearest to the quotient.
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return Number(a) / Number(b) + 0;
  const [dividend, divisor] = [exact(a), exact(b)];
  return dividend % divisor === 0n ? integer(dividend / divisor) : decimal(context, 'dividedBy', a, b);
}

/** The remainder of a division that truncates: it has the sign of the dividend. */
function remainder(context: BuiltinContext, a: NumberValue, b: NumberValue): NumberValue {
  if (b === 0) throw new BuiltinError('modulo by zero');
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b)) return ((a as number) % (b as number)) + 0;
  chargeForSize(context, a, b);
  const [dividend, divisor] = [wholeOf(a), wholeOf(b)];
  if (dividend === undefined || divisor === undefined) throw new BuiltinError('modulo on floating-point number');
  return limited(dividend % divisor);
}

/** That a double or a bigint holds. */
const isInteger = (value: NumberValue): value is number | bigint =>
  typeof value === 'bigint' || Number.isInteger(value);

const exact = (value: number | bigint): bigint => wholeOf(value) as bigint;

const binary =
  (operation: (context: BuiltinContext, a: NumberValue, b: NumberValue) => NumberValue): Builtin =>
  (context, a, b) =>
    operation(context, number(a, 1), number(b, 2));

/** Rounding leaves an integer of any size as it is. */
const rounding =
  (how: 'ceil' | 'floor' | 'round', ofDouble: (value: number) => number): Builtin =>
  (_context, operand) => {
    const value = number(operand, 1);
    if (typeof value === 'number') return ofDouble(value) + 0;
    return typeof value === 'bigint' ? value : roundDecimal(value, how);
  };

const abs: Builtin = (context, operand) => {
  const value = number(operand, 1);
  return compareNumbers(value, 0) < 0 ? subtract(context, 0, value) : value;
};

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
  abs,
  ceil: rounding('ceil', Math.ceil),
  floor: rounding('floor', Math.floor),
  // Half away from zero; Math.round would take -2.5 to -2.
  round: rounding('round', (value) => Math.sign(value) * Math.round(Math.abs(value))),
};
