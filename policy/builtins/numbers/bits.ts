import { integer } from '../../value/number.ts';
import { isNumber, type Value } from '../../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from '../builtin.ts';
import { limited, maxBits } from './large-integer.ts';
import { mismatch } from '../operands.ts';

/** Integers have as many bits as it takes, negative ones in two's complement. */
function bigint(value: Value, position: number): bigint {
  if (!isNumber(value)) return mismatch(position, 'integer', value);
  if (typeof value === 'bigint' || Number.isInteger(value)) return BigInt(value);
  throw new BuiltinError(`operand ${position} must be integer number but got floating-point number`);
}

const bitwise =
  (operation: (a: bigint, b: bigint) => bigint): Builtin =>
  (_context, a, b) =>
    integer(operation(bigint(a, 1), bigint(b, 2)));

function distance(value: Value): bigint {
  const shift = bigint(value, 2);
  if (shift >= 0n) return shift;
  throw new BuiltinError('operand 2 must be an unsigned integer number but got a negative integer');
}

/** Bounded before the shift: `bits.lsh(1, 1e9)` would make a number of 125 MB. */
const lsh: Builtin = (_context, value, shift) => {
  const by = distance(shift);
  const bits = bigint(value, 1);
  if (bits === 0n) return 0;
  if (by > maxBits) throw new BuiltinError(`the result has more than ${maxBits} bits`);
  return limited(integer(bits << by));
};

export const bitsBuiltins: Builtins = {
  'bits.and': bitwise((a, b) => a & b),
  'bits.lsh': lsh,
  'bits.negate': (_context, value) => integer(~bigint(value, 1)),
  'bits.or': bitwise((a, b) => a | b),
  'bits.rsh': (_context, value, shift) => integer(bigint(value, 1) >> distance(shift)),
  'bits.xor': bitwise((a, b) => a ^ b),
};
