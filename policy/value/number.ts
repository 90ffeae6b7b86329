/** What a number literal may have: one with more digits costs more to handle than any policy has use for. */
const maxDigits = 10_000;

/**
 * The number that a JSON literal means: exact for integers, the nearest double otherwise; undefined for what no double
 * can hold (1e400), and for an integer of absurd length.
 */
export function numberOf(literal: string): number | bigint | undefined {
  if (literal.length > maxDigits) return undefined;
  const value = Number(literal);
  if (/[.eE]/.test(literal)) return Number.isFinite(value) ? value + 0 : undefined;
  return Number.isSafeInteger(value) ? value + 0 : BigInt(literal);
}

const maxSafe = BigInt(Number.MAX_SAFE_INTEGER);

/** The one form of an integer: a double as far as a double is exact. */
export function integer(value: bigint): number | bigint {
  return value >= -maxSafe && value <= maxSafe ? Number(value) : value;
}
