import { numberOf } from '../../value/number.ts';
import type { Value } from '../../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError, type Builtins } from '../builtin.ts';
import { limited, maxBits } from './large-integer.ts';
import { text } from '../operands.ts';

/** Exactly digits x 10^exponent. */
type Amount = { readonly digits: bigint; readonly exponent: number };

/** `k` is 1,000 and `ki` 1,024, and so on by their powers. */
const letters = ['k', 'm', 'g', 't', 'p', 'e'];

const factors: ReadonlyMap<string, bigint> = new Map(
  letters.flatMap((letter, i): [string, bigint][] => [
    [letter, 1000n ** BigInt(i + 1)],
    [`${letter}i`, 1024n ** BigInt(i + 1)],
  ]),
);

/** As far as it can be a number: an `e` belongs to it only before an exponent. */
const numberPart = /^(?:[\d.+-]|[eE](?=[\d+-]))*/;
const number = /^([+-]?)(?:(\d+)\.?(\d*)|\.(\d+))(?:[eE]([+-]?\d{1,6}))?$/;

/** What any quantity is written with; more is slow to compute with, and no quantity. */
const maxCharacters = 1000;

/** Splits "10.5Gi" into amount and unit. Quotation marks do not count. */
function readQuantity({ charge }: BuiltinContext, value: Value): readonly [Amount, string] {
  charge(20);
  const written = text(value, 1);
  if (written.length > maxCharacters) throw new BuiltinError('too long for a quantity');
  const quantity = written.replaceAll('"', '');
  if (quantity.includes(' ')) throw new BuiltinError('spaces not allowed in resource strings');
  const [amount = ''] = numberPart.exec(quantity) ?? [];
  if (amount === '') throw new BuiltinError('no amount provided');
  const parts = number.exec(amount);
  if (parts === null) throw new BuiltinError('could not parse amount to a number');
  const [, sign = '', whole = '', fraction = parts[4] ?? '', , power = '0'] = parts;
  const digits = BigInt(`${whole}${fraction}`) * (sign === '-' ? -1n : 1n);
  return [{ digits, exponent: Number(power) - fraction.length }, quantity.slice(amount.length)];
}

/** The integer, or undefined with a fraction. */
function wholeNumber({ digits, exponent }: Amount): bigint | undefined {
  if (digits === 0n) return 0n;
  // 10^20000 has more bits than are allowed; below 10^-1100 nothing of what was written is left before the point.
  if (exponent > maxBits / 3) throw new BuiltinError('exponent too large');
  if (exponent >= 0) return digits * 10n ** BigInt(exponent);
  if (exponent < -maxCharacters - 100) return undefined;
  const divisor = 10n ** BigInt(-exponent);
  return digits % divisor === 0n ? digits / divisor : undefined;
}

/** Cut off after so many decimal places, and given as an integer of the last of them. */
function truncated({ digits, exponent }: Amount, places: number): bigint {
  const shift = exponent + places;
  if (shift >= 0) return digits * 10n ** BigInt(shift);
  return shift < -maxCharacters - 100 ? 0n : digits / 10n ** BigInt(-shift);
}

function factorOf(unit: string, name: string): bigint {
  const factor = unit === '' ? 1n : factors.get(name);
  if (factor === undefined) throw new BuiltinError(`unit ${unit} not recognized`);
  return factor;
}

/** Of a fraction, ten decimal places are kept, the last one rounded. */
const parse: Builtin = (context, value) => {
  const [{ digits, exponent }, unit] = readQuantity(context, value);
  // Only here does the case of a letter matter: m is a thousandth, M a million.
  const amount =
    unit === 'm'
      ? { digits, exponent: exponent - 3 }
      : { digits: digits * factorOf(unit, unit.toLowerCase()), exponent };
  const whole = wholeNumber(amount);
  if (whole !== undefined) return limited(whole);
  const half = digits < 0n ? -5n : 5n;
  return numberOf(`${(truncated(amount, 11) + half) / 10n}e-10`);
};

/** Bytes are whole, and a `b` may follow the unit. */
const parseBytes: Builtin = (context, value) => {
  const [{ digits, exponent }, unit] = readQuantity(context, value);
  const factor = factorOf(unit, unit.toLowerCase().replace(/(?<=.)b$/, ''));
  const amount = { digits: digits * factor, exponent };
  return limited(wholeNumber(amount) ?? truncated(amount, 0));
};

export const unitBuiltins: Builtins = { 'units.parse': parse, 'units.parse_bytes': parseBytes };
