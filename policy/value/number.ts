import { largeInteger, readDecimal } from './decimal.ts';
import type { NumberValue } from './value.ts';

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);
/** As many digits come back from a double whatever they are (IEEE 754). */
const safeDigits = 15;
/** Any integer of as many digits is near some double. */
const maxBigintDigits = 308;

/** The number that a literal of JSON or Rego means, exactly; undefined for one that OPA refuses, or of absurd length. */
export function numberOf(literal: string): NumberValue | undefined {
  const hasExponent = /[eE]/.test(literal);
  if (literal.length <= safeDigits && !hasExponent) return Number(literal) + 0;
  if (literal.length <= maxBigintDigits && /^-?\d+$/.test(literal)) return integer(BigInt(literal));
  return readDecimal(literal);
}

/** The one form of an integer: a double as far as a double is exact, a bigint as far as doubles go. */
export function integer(value: bigint): NumberValue {
  if (value >= -maxSafe && value <= maxSafe) return Number(value);
  return Number.isFinite(Number(value)) ? value : largeInteger(value);
}
