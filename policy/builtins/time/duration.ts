import { BuiltinError } from '../builtin.ts';

const nanosecondsIn: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

/** OPA's own units. Neither leap years nor summer time make a year or a day of another length. */
const hoursIn: ReadonlyMap<string, number> = new Map([
  ['d', 24],
  ['w', 7 * 24],
  ['y', 365 * 24],
]);

const limit = 2n ** 63n;
const maxLength = 1_000;
const part = /([0-9]*)(?:\.([0-9]*))?([^0-9.]+)/y;

/** Nanoseconds in `1h15m30.918s`, with `d`, `w` and `y` beside Go's units. Throws BuiltinError. */
export function parseDuration(text: string): bigint {
  const negative = text.startsWith('-');
  const body = negative || text.startsWith('+') ? text.slice(1) : text;
  if (body === '0') return 0n;
  if (body === '' || body.length > maxLength) return invalid(text);
  let total = 0n;
  part.lastIndex = 0;
  while (part.lastIndex < body.length) {
    const found = part.exec(body);
    if (found === null) return invalid(text);
    total += partOf(text, found[1] ?? '', found[2], found[3] ?? '');
    if (total > limit) return invalid(text);
  }
  if (negative) return -total;
  return total === limit ? invalid(text) : total;
}

function partOf(text: string, whole: string, fraction: string | undefined, unit: string): bigint {
  if (whole === '' && (fraction ?? '') === '') return invalid(text);
  const hours = hoursIn.get(unit);
  if (hours !== undefined) {
    // No double holds so many digits.
    if (whole.length > 300) return invalid(text);
    const [hourWhole = '', hourFraction] = decimal(Number(`${whole}.${fraction ?? ''}`) * hours).split('.');
    return partOf(text, hourWhole, hourFraction, 'h');
  }
  const size = nanosecondsIn.get(unit) ?? invalid(text);
  const nanoseconds = BigInt(whole) * size;
  if (nanoseconds > limit) return invalid(text);
  return nanoseconds + fractionOf(fraction ?? '', size);
}

/** Go's arithmetic, in doubles: `0.1h` and the like come out to the same nanosecond. */
function fractionOf(digits: string, size: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    const next = value * 10n + BigInt(digit);
    // What an int64 no longer holds is left out.
    if (next > limit) break;
    value = next;
    scale *= 10;
  }
  return BigInt(Math.trunc(Number(value) * (Number(size) / scale)));
}

/** The shortest digits that mean this double, without an exponent. */
function decimal(value: number): string {
  const [digits = '', exponent] = String(value).split('e');
  if (exponent === undefined) return digits;
  const [first = '', rest = ''] = digits.split('.');
  const shift = Number(exponent);
  if (shift > 0) return first + rest.padEnd(shift, '0');
  return `0.${'0'.repeat(-shift - 1)}${first}${rest}`;
}

function invalid(text: string): never {
  throw new BuiltinError(`time: invalid duration ${JSON.stringify(text.slice(0, 100))}`);
}
