import { wholeOf } from '../../value/decimal.ts';
import { isNumber, type Value } from '../../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { chargeForSize, limited, maxBits, stepsFor } from './large-integer.ts';
import { mismatch } from '../operands.ts';

/** Integers have as many bits as it takes, negative ones in two's complement. */
function bigint(context: BuiltinContext, value: Value, position: number): bigint {
  if (!isNumber(value)) return mismatch(position, 'integer', value);
  chargeForSize(context, value);
  const whole = wholeOf(value);
  if (whole !== undefined) return whole;
  throw new BuiltinError(`operand ${position} must be integer number but got floating-point number`);
}

const bitwise =
  (operation: (a: bigint, b: bigint) => bigint): Builtin =>
  (context, a, b) =>
    limited(operation(bigint(context, a, 1), bigint(context, b, 2)));

function distance(context: BuiltinContext, value: Value): bigint {
  const shift = bigint(context, value, 2);
  if (shift >= 0n) return shift;
  throw new BuiltinError('operand 2 must be an unsigned integer number but got a negative integer');
}

/** Bounded before the shift: `bits.lsh(1, 1e9)` would make a number of 125 MB. */
const lsh: Builtin = (context, value, shift) => {
  const by = distance(context, shift);
  const bits = bigint(context, value, 1);
  if (bits === 0n) return 0;
  if (by > maxBits) throw new BuiltinError(`the result has more than ${maxBits} bits`);
  // Three bits are about a digit.
  if (by > 512n) context.charge(stepsFor(Number(by) / 3));
  return limited(bits << by);
};

export const bitsBuiltins: Builtins = {
  'bits.and': bitwise((a, b) => a & b),
  'bits.lsh': lsh,
  'bits.negate': (context, value) => limited(~bigint(context, value, 1)),
  'bits.or': bitwise((a, b) => a | b),
  'bits.rsh': (context, value, shift) => limited(bigint(context, value, 1) >> distance(context, shift)),
  'bits.xor': bitwise((a, b) => a ^ b),
};
