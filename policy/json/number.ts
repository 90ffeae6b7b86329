/** Below these, a decimal is sure to come back from a double unchanged (IEEE 754: 15 digits, exponents to +-307). */
const safeDigits = 15;
const safeExponent = 290;

type Decimal = { readonly digits: string; readonly exponent: number };

/**
 * Whether a JSON number means the same to a reader that keeps decimals, one that keeps 64-bit integers and one that
 * keeps doubles (CVE-2025-11230 is what happens otherwise). What is judged here is a double, so:
 *
 * - an integer literal must not pass 2^53 - 1 (RFC 7493 section 2.2);
 * - anything else must be what a double prints as, in its shortest form or with the 17 digits of `%.17g`. `1e400`
 *   (Infinity), `1e-400` (0) and `9.0000000000000001` (9, though `maximum: 9` should refuse it) are not.
 *
 * `-0` passes: it equals 0 in every one of those readers.
 */
export function survivesAsDouble(literal: string): boolean {
  const form = formOf(literal);
  if (form !== 'exponent' && literal.length <= safeDigits) return true;
  const value = Number(literal);
  if (form === 'integer') return Number.isSafeInteger(value);
  if (String(value) === literal) return true;
  const written = decimalOf(literal);
  const magnitude = written.exponent + written.digits.length;
  if (written.digits.length <= safeDigits && Math.abs(magnitude) <= safeExponent) return true;
  if (!Number.isFinite(value)) return false;
  return same(written, decimalOf(String(value))) || same(written, decimalOf(value.toPrecision(17)));
}

function formOf(literal: string): 'integer' | 'fraction' | 'exponent' {
  let form: 'integer' | 'fraction' = 'integer';
  for (let i = 0; i < literal.length; i++) {
    const c = literal.charCodeAt(i);
    if (c === 0x65 || c === 0x45) return 'exponent';
    if (c === 0x2e) form = 'fraction';
  }
  return form;
}

/** The digits without leading and trailing zeros, and the power of ten behind the last of them. */
function decimalOf(literal: string): Decimal {
  const unsigned = literal.startsWith('-') ? literal.slice(1) : literal;
  const [mantissa = '', power = '0'] = unsigned.toLowerCase().split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let start = 0;
  let end = all.length;
  while (start < end && all.charCodeAt(start) === 0x30) start++;
  while (end > start && all.charCodeAt(end - 1) === 0x30) end--;
  if (start === end) return { digits: '', exponent: 0 };
  return { digits: all.slice(start, end), exponent: Number(power) - fraction.length + (all.length - end) };
}

function same(a: Decimal, b: Decimal): boolean {
  return a.digits === b.digits && a.exponent === b.exponent;
}

/**
 * Whether `value` is a whole multiple of `divisor`, as the decimals both were written as: 19.99 is a multiple of 0.01,
 * though 19.99 / 0.01 is 1998.9999999999998 in doubles.
 */
export function isDecimalMultiple(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  const a = decimalOf(String(value));
  const b = decimalOf(String(divisor));
  const shared = Math.min(a.exponent, b.exponent);
  return scaled(a, shared) % scaled(b, shared) === 0n;
}

function scaled(decimal: Decimal, exponent: number): bigint {
  return BigInt(decimal.digits) * 10n ** BigInt(decimal.exponent - exponent);
}
