import { roundDecimal, wholeOf } from '../../value/decimal.ts';
import { integer as exact, numberOf, shortInteger } from '../../value/number.ts';
import { isNumber, type NumberValue, RegoDecimal, type Value } from '../../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { chargeForSize } from './large-integer.ts';
import { mismatch, number } from '../operands.ts';

function whole(context: BuiltinContext, value: Value, position: number): bigint {
  const wanted = number(value, position);
  chargeForSize(context, wanted);
  const integer = wholeOf(wanted);
  if (integer !== undefined) return integer;
  throw new BuiltinError(`operand ${position} must be integer number but got floating-point number`);
}

/** From the first to the last, which may be the smaller one, both included where the step meets them. */
function range(context: BuiltinContext, first: bigint, last: bigint, step: bigint): readonly Value[] {
  const distance = last < first ? first - last : last - first;
  const length = Number(distance / step) + 1;
  // Eight numbers take 64 bytes. A shift would make a small number of a very large one.
  context.charge(Math.ceil(length / 8));
  const numbers: NumberValue[] = [];
  const [start, end, by] = [exact(first), exact(last), exact(step)];
  if (typeof start === 'number' && typeof end === 'number' && typeof by === 'number') {
    if (start <= end) for (let n = start; n <= end; n += by) numbers.push(n);
    else for (let n = start; n >= end; n -= by) numbers.push(n);
  } else {
    const signed = last < first ? -step : step;
    for (let i = 0n; i < length; i++) numbers.push(exact(first + i * signed));
  }
  return numbers;
}

const rangeStep: Builtin = (context, first, last, step) => {
  const [from, to, by] = [whole(context, first, 1), whole(context, last, 2), whole(context, step, 3)];
  if (by <= 0n) throw new BuiltinError('numbers.range_step: step must be a positive integer');
  return range(context, from, to, by);
};

const bases: readonly Value[] = [2, 8, 10, 16];

/** What is behind the point is cut off. */
function truncated(value: NumberValue): bigint {
  const rounded = typeof value === 'number' ? Math.trunc(value) : value;
  return wholeOf(rounded instanceof RegoDecimal ? roundDecimal(rounded, 'trunc') : rounded) as bigint;
}

const formatInt: Builtin = (context, value, base) => {
  const wanted = number(value, 1);
  const radix = number(base, 2);
  if (!bases.includes(radix)) throw new BuiltinError('operand 2 must be one of {2, 8, 10, 16}');
  chargeForSize(context, wanted);
  return truncated(wanted).toString(Number(radix));
};

/** A decimal number as Go reads one. Its hexadecimal floats (0x1p-2) are no numbers of JSON. */
const literal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

const toNumber: Builtin = (_context, value) => {
  if (isNumber(value)) return value;
  if (value === null) return 0;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return mismatch(1, 'one of {null, boolean, number, string}', value);
  const short = shortInteger(value);
  if (short !== undefined) return short;
  // OPA reads it as a double first: 1e400 is none, 1e-400 is.
  const read = literal.test(value) && Number.isFinite(Number(value)) ? numberOf(value) : undefined;
  if (read === undefined) throw new BuiltinError('operand 1 must be valid number string');
  return read;
};

export const numberBuiltins: Builtins = {
  format_int: formatInt,
  'numbers.range': (context, first, last) => range(context, whole(context, first, 1), whole(context, last, 2), 1n),
  'numbers.range_step': rangeStep,
  to_number: toNumber,
};
