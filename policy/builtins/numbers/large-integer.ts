import { type BuiltinContext, BuiltinError } from '../builtin.ts';

/** More than the longest literal that is read (`value/number.ts`) has, and few enough for arithmetic to stay cheap. */
export const maxBits = 65_536;

const limit = 1n << BigInt(maxBits);
const costly = 1n << 4096n;

/** Passes the result of integer arithmetic on. Repeated squaring would otherwise take all memory in thirty steps. */
export function limited(value: number | bigint): number | bigint {
  if (typeof value === 'bigint' && (value >= limit || value <= -limit)) {
    throw new BuiltinError(`the result has more than ${maxBits} bits`);
  }
  return value;
}

/** Pays for an operation that takes longer than linear in its operands, of which the limit bounds the length. */
export function chargeForSize({ charge }: BuiltinContext, ...operands: readonly (number | bigint)[]): void {
  charge(operands.some((value) => value > costly || value < -costly) ? 2000 : 4);
}
