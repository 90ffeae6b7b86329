/** What a number literal may have: one with more digits costs more to handle than any policy has use for. */
const maxDigits = 10_000;

/**
 * The number that a JSON literal means: exact for integers, the nearest double for fractions; undefined for a fraction that no
 * double can hold, and for an integer of absurd length (1e40000), whose digits would cost more than any policy has use for.
 */
export function numberOf(literal: string): number | bigint | undefined {
  if (literal.length > maxDigits) return undefined;
  const value = Number(literal);
  if (!/[.eE]/.test(literal)) return Number.isSafeInteger(value) ? value + 0 : BigInt(literal);
  return Number.isFinite(value) ? value + 0 : writtenOut(literal);
}

/** What an exponent takes beyond all doubles: 1e400. */
function writtenOut(literal: string): bigint | undefined {
  const [mantissa = '', exponent = '0'] = literal.split(/[eE]/);
  const [whole = '', fraction = ''] = mantissa.split('.');
  const zeros = Number(exponent) - fraction.length;
  return zeros < 0 || zeros > maxDigits ? undefined : BigInt(whole + fraction) * 10n ** BigInt(zeros);
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** The one form of an integer: a double as far as a double is exact. */
export function integer(value: bigint): number | bigint {
  return value >= -maxSafe && value <= maxSafe ? Number(value) : value;
}
