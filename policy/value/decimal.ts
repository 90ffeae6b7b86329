import { createRequire } from 'node:module';
import type { Decimal } from 'decimal.js';
import { type NumberValue, RegoDecimal } from './value.ts';

/*
 * Numbers as the decimals that they are written as. A double stands for the shortest decimal that reads back as it, which
 * is what the policy or the input said: 1e23 for 10^23, though its bits are those of 99999999999999991611392.
 */

/** What a number may have: one with more digits costs more to handle than any policy has use for. */
const maxDigits = 10_000;
/** More than OPA keeps (64 bits, which are 20), and than two doubles can make. */
const roundedDigits = 40;
/** Of the largest integer that a division gives exactly if only all of its digits tell. */
export const maxQuotientDigits = 1_300;

// Not loaded with this file: whoever only handles a policy, as the control thread does, meets no number that needs it.
let loaded: Arithmetic | undefined;
const arithmetic = (): Arithmetic => (loaded ??= loadArithmetic());

/** Loads the library, which takes 12 ms: not during the first decision that meets such a number. */
export const prepareDecimals = (): void => void arithmetic();

type Arithmetic = ReturnType<typeof loadArithmetic>;

function loadArithmetic() {
  const { Decimal: Any } = createRequire(import.meta.url)('decimal.js') as { readonly Decimal: Decimal.Constructor };
  const Rounded = Any.clone({ precision: roundedDigits, rounding: Any.ROUND_HALF_EVEN });
  return {
    // Precise enough for sums, differences and products of any two numbers to be exact: `isWithin` bounds what they span.
    Exact: Any.clone({ precision: 100_000, rounding: Any.ROUND_HALF_EVEN }),
    Rounded,
    // As OPA bounds the exponent to base two: v1/ast/term.go, maxNumberExp.
    tooLarge: new Rounded(2).pow(100_000),
    smallest: new Rounded(2).pow(-100_001),
    roundings: { ceil: Any.ROUND_CEIL, floor: Any.ROUND_FLOOR, round: Any.ROUND_HALF_UP, trunc: Any.ROUND_DOWN },
  };
}

function isWithin(value: Decimal): boolean {
  const { tooLarge, smallest } = arithmetic();
  return value.isZero() || (value.abs().lt(tooLarge) && value.abs().gte(smallest));
}

const zero = /^[+-]?[0.]+(?:[eE]|$)/;

/** Of the literal of a number. Undefined for one with too large an exponent, or too many digits. */
export function readDecimal(literal: string): NumberValue | undefined {
  if (literal.length > maxDigits) return undefined;
  const exact = new (arithmetic().Exact)(literal);
  // The library takes what is far too small for nothing at all.
  return exact.isZero() && !zero.test(literal) ? undefined : numberValue(exact);
}

/** The one form of a number. */
function numberValue(exact: Decimal): NumberValue | undefined {
  if (!isWithin(exact) || exact.precision() > maxDigits) return undefined;
  const double = exact.toNumber();
  if (!Number.isFinite(double)) return new RegoDecimal(textOf(exact));
  if (exact.isInteger()) return Number.isSafeInteger(double) ? double + 0 : BigInt(exact.toFixed());
  return exact.eq(double) ? double : new RegoDecimal(textOf(exact));
}

/** As people write it: with an exponent where many zeros would stand instead. */
function textOf(exact: Decimal): string {
  const isPlain = exact.e >= -7 && exact.precision() > exact.e - 20;
  return isPlain ? exact.toFixed() : exact.toExponential().replace('+', '');
}

/** Sorting compares each number many times, and reading one takes far longer than comparing two. */
const known = new WeakMap<RegoDecimal, Decimal>();

function decimalOf(value: NumberValue): Decimal {
  const { Exact } = arithmetic();
  if (!(value instanceof RegoDecimal)) return new Exact(String(value));
  let exact = known.get(value);
  if (exact === undefined) known.set(value, (exact = new Exact(String(value))));
  return exact;
}

/** Of an integer that is too large for a double. */
export const largeInteger = (value: bigint): RegoDecimal => new RegoDecimal(textOf(decimalOf(value)));

export const compareDecimals = (a: NumberValue, b: NumberValue): number => decimalOf(a).cmp(decimalOf(b));

/** The integer that a number is, undefined for one with a fraction. */
export function wholeOf(value: NumberValue): bigint | undefined {
  if (typeof value === 'bigint') return value;
  if (Number.isSafeInteger(value)) return BigInt(value as number);
  if (typeof value === 'number') return Number.isInteger(value) ? wholeOfDouble(value) : undefined;
  const exact = decimalOf(value);
  return exact.isInteger() ? BigInt(exact.toFixed()) : undefined;
}

/** Without the library, because each double beyond 2^53 of an input comes here whenever it is looked for or computed with. */
function wholeOfDouble(value: number): bigint {
  const [digits = '', zeros] = String(value).split('e+');
  if (zeros === undefined) return BigInt(digits);
  const [first = '', others = ''] = digits.split('.');
  return BigInt((first + others).padEnd(first.length + Number(zeros), '0'));
}

/** How many digits it takes to write a number without an exponent, roughly. */
export function digitsOf(value: RegoDecimal): number {
  const exact = decimalOf(value);
  return exact.precision() + Math.abs(exact.e);
}

export type Operation = 'plus' | 'minus' | 'times' | 'dividedBy';

/**
 * Exact, but for a quotient without end and for more than forty digits behind the point: those are the nearest double, where there
 * is one. Undefined for what is too large, or too small.
 */
export function calculate(operation: Operation, a: NumberValue, b: NumberValue): NumberValue | undefined {
  const [x, y] = [decimalOf(a), decimalOf(b)];
  const result = operation === 'dividedBy' ? quotient(x, y) : x[operation](y);
  const isExact = operation === 'dividedBy' ? result.times(y).eq(x) : isShort(result);
  if (isExact) return numberValue(result);
  const double = result.toNumber();
  if (Number.isFinite(double) && double !== 0)
    return Number.isInteger(double) ? numberValue(decimalOf(double)) : double;
  return numberValue(new (arithmetic().Rounded)(0).plus(result));
}

/** An integer is looked for where forty digits are not exact: 2^2000 / 2^1000 has 302. */
function quotient(x: Decimal, y: Decimal): Decimal {
  const { Exact, Rounded } = arithmetic();
  const rounded = new Exact(new Rounded(x).dividedBy(y));
  if (!x.isInteger() || !y.isInteger() || x.e - y.e > maxQuotientDigits || rounded.times(y).eq(x)) return rounded;
  const whole = x.dividedToIntegerBy(y);
  return whole.times(y).eq(x) ? whole : rounded;
}

const isShort = (value: Decimal): boolean =>
  value.precision() <= roundedDigits || value.decimalPlaces() <= roundedDigits;

/** The integer next to it; `round` takes a half away from zero. */
export function roundDecimal(value: RegoDecimal, how: keyof Arithmetic['roundings']): NumberValue {
  return numberValue(decimalOf(value).toDecimalPlaces(0, arithmetic().roundings[how])) as NumberValue;
}
