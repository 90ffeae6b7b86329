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

/**
 * What up to 15 digits and nothing else mean, as most numbers in text are; undefined for any other text. `Number` takes several
 * times as long over a text that is new to it.
 */
export function shortInteger(text: string): number | undefined {
  if (text.length === 0 || text.length > safeDigits) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value;
}

/** The one form of an integer: a double as far as a double is exact, a bigint as far as doubles go. */
export function integer(value: bigint): NumberValue {
  if (value >= -maxSafe && value <= maxSafe) return Number(value);
  return Number.isFinite(Number(value)) ? value : largeInteger(value);
}
