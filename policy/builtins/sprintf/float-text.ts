/** The notations of Go's strconv.FormatFloat. The value is finite. */
export type FloatVerb = 'b' | 'e' | 'f' | 'g' | 'x';

/** What is undefined as precision means as many digits as it takes to read the same double back. */
export function floatText(value: number, verb: FloatVerb, precision: number | undefined): string {
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const magnitude = Math.abs(value);
  switch (verb) {
    case 'b':
      return sign + binaryText(magnitude);
    case 'e':
      return sign + scientific(significant(magnitude, precision === undefined ? undefined : precision + 1), precision);
    case 'f':
      return sign + positional(magnitude, precision);
    case 'g':
      return sign + general(magnitude, precision);
    case 'x':
      return sign + hexadecimal(magnitude, precision);
  }
}

/** Digits without the zeros that end them, and the power of ten of the first: 0.d1d2d3... x 10^(exponent + 1). */
type Digits = { readonly digits: string; readonly exponent: number };

/** A magnitude rounded to so many digits, of ties to the even one: a double has an exact decimal expansion. */
function significant(magnitude: number, count: number | undefined): Digits {
  if (magnitude === 0) return { digits: '0', exponent: 0 };
  if (count === undefined) return shortest(magnitude);
  const { coefficient, scale } = expand(magnitude);
  const places = String(coefficient).length;
  // A coefficient that is rounded up may have a digit more: 9.99 to 10.0.
  const drop = places - count;
  const rounded = String(drop > 0 ? roundedQuotient(coefficient, 10n ** BigInt(drop)) : coefficient);
  return { digits: trimmed(rounded), exponent: rounded.length + Math.max(drop, 0) - scale - 1 };
}

function shortest(magnitude: number): Digits {
  const [mantissa = '', exponent] = magnitude.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), exponent: Number(exponent) };
}

/** The double as coefficient / 10^scale. */
function expand(magnitude: number): { readonly coefficient: bigint; readonly scale: number } {
  const { mantissa, exponent } = parts(magnitude);
  if (exponent >= 0) return { coefficient: mantissa << BigInt(exponent), scale: 0 };
  return { coefficient: mantissa * 5n ** BigInt(-exponent), scale: -exponent };
}

/** The double as mantissa x 2^exponent, the mantissa as long as its 53 bits allow. */
function parts(magnitude: number): { readonly mantissa: bigint; readonly exponent: number } {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, magnitude);
  const word = bits.getBigUint64(0);
  const exponent = Number(word >> 52n);
  const fraction = word & 0xf_ffff_ffff_ffffn;
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 };
}

function roundedQuotient(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor;
  const twice = (value % divisor) * 2n;
  const up = twice > divisor || (twice === divisor && quotient % 2n === 1n);
  return up ? quotient + 1n : quotient;
}

const trimmed = (digits: string): string => digits.replace(/0+$/, '') || '0';

function scientific({ digits, exponent }: Digits, precision: number | undefined): string {
  const fraction = digits.slice(1).padEnd(precision ?? 0, '0');
  return `${digits[0]}${fraction === '' ? '' : `.${fraction}`}${exponentText('e', exponent)}`;
}

const exponentText = (mark: string, exponent: number): string =>
  `${mark}${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;

function positional(magnitude: number, precision: number | undefined): string {
  if (precision === undefined) return spread(shortest(magnitude));
  // JavaScript rounds a tie up, and Go to the even digit; only a number that ends with the bit after is one.
  const maybeTie = Number.isInteger(magnitude * 2 ** (precision + 1));
  if (!maybeTie && precision <= 100 && magnitude < 1e21) return magnitude.toFixed(precision);
  const { coefficient, scale } = expand(magnitude);
  const drop = scale - precision;
  const units = drop > 0 ? roundedQuotient(coefficient, 10n ** BigInt(drop)) : coefficient;
  const shown = Math.min(scale, precision);
  const all = String(units).padStart(shown + 1, '0');
  const fraction = all.slice(all.length - shown).padEnd(precision, '0');
  return precision === 0 ? all : `${all.slice(0, all.length - shown)}.${fraction}`;
}

/** Digits written out, without an exponent. */
function spread({ digits, exponent }: Digits): string {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Go's %g: an exponent only where the digits would be far from the point. */
function general(magnitude: number, precision: number | undefined): string {
  const wanted = precision === 0 ? 1 : precision;
  const made = significant(magnitude, wanted);
  const { digits, exponent } = made;
  let most = wanted ?? 6;
  if (wanted !== undefined && wanted > digits.length && digits.length > exponent) most = digits.length;
  return exponent < -4 || exponent >= most ? scientific(made, undefined) : spread(made);
}

function binaryText(magnitude: number): string {
  const { mantissa, exponent } = parts(magnitude);
  return `${mantissa}p${exponent < 0 ? '' : '+'}${exponent}`;
}

/** 1.5 is 0x1.8p+00. */
function hexadecimal(magnitude: number, precision: number | undefined): string {
  if (magnitude === 0) return `0x0${precision ? `.${'0'.repeat(precision)}` : ''}p+00`;
  let { mantissa, exponent } = parts(magnitude);
  // The first bit of a subnormal double moves to where that of every other one is.
  const shift = 53 - mantissa.toString(2).length;
  mantissa <<= BigInt(shift);
  exponent += 52 - shift;
  const places = precision ?? 13;
  if (places < 13) mantissa = roundedQuotient(mantissa, 1n << BigInt(52 - 4 * places)) << BigInt(52 - 4 * places);
  if (mantissa >> 53n === 1n) {
    mantissa >>= 1n;
    exponent++;
  }
  const all = (mantissa & 0xf_ffff_ffff_ffffn).toString(16).padStart(13, '0');
  const fraction = precision === undefined ? all.replace(/0+$/, '') : all.slice(0, precision).padEnd(precision, '0');
  return `0x1${fraction === '' ? '' : `.${fraction}`}${exponentText('p', exponent)}`;
}
