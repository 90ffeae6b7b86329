import { compareStrings } from '../value/order.ts';
import { type Builtin, BuiltinError, type Builtins } from './builtin.ts';
import { text } from './operands.ts';

/*
 * SemVer 2.0.0 with OPA's edges: one leading `v`, numbers as large as an int64, text of any length. The package semver has
 * other ones (2^53 and 256 characters), and is of no use for that reason.
 */

type Version = { readonly numbers: readonly bigint[]; readonly preRelease: readonly string[] };

const largest = 2n ** 63n - 1n;
const number = /^(?:0|[1-9][0-9]*)$/;
const identifier = /^[0-9A-Za-z-]+$/;
const digits = /^[0-9]+$/;

function parse(source: string): Version | undefined {
  const [withPreRelease, metadata] = cut(source.startsWith('v') ? source.slice(1) : source, '+');
  const [core, preRelease] = cut(withPreRelease, '-');
  const parts = preRelease?.split('.') ?? [];
  if (![...parts, ...(metadata?.split('.') ?? [])].every((part) => identifier.test(part))) return undefined;
  if (parts.some((part) => digits.test(part) && !number.test(part))) return undefined;
  // 19 digits are enough: longer ones would take long to become a number.
  const numbers = core.split('.').map((part) => (part.length <= 19 && number.test(part) ? BigInt(part) : -1n));
  const valid = numbers.length === 3 && numbers.every((value) => value >= 0n && value <= largest);
  return valid ? { numbers, preRelease: parts } : undefined;
}

function cut(source: string, separator: string): readonly [string, string | undefined] {
  const at = source.indexOf(separator);
  return at < 0 ? [source, undefined] : [source.slice(0, at), source.slice(at + 1)];
}

function compareVersions(a: Version, b: Version): number {
  for (const [i, value] of a.numbers.entries()) {
    const other = b.numbers[i] as bigint;
    if (value !== other) return value < other ? -1 : 1;
  }
  if (a.preRelease.length === 0 || b.preRelease.length === 0) return b.preRelease.length - a.preRelease.length;
  for (const [i, part] of a.preRelease.entries()) {
    const other = b.preRelease[i];
    const apart = other === undefined ? 1 : compareIdentifiers(part, other);
    if (apart !== 0) return apart;
  }
  return a.preRelease.length - b.preRelease.length;
}

/** Numbers come before names. */
function compareIdentifiers(a: string, b: string): number {
  if (digits.test(a) !== digits.test(b)) return digits.test(a) ? -1 : 1;
  if (!digits.test(a)) return compareStrings(a, b);
  // OPA takes all beyond an int64 for the same.
  const [x, y] = [a, b].map((part) => (part.length > 19 || BigInt(part) > largest ? largest : BigInt(part)));
  if (x === y) return 0;
  return (x as bigint) < (y as bigint) ? -1 : 1;
}

const compare: Builtin = (_context, a, b) => {
  const [x, y] = [required(text(a, 1), 1), required(text(b, 2), 2)];
  return Math.sign(compareVersions(x, y));
};

function required(source: string, position: number): Version {
  const version = parse(source);
  if (version !== undefined) return version;
  throw new BuiltinError(`operand ${position}: string ${source.slice(0, 100)} is not a valid SemVer`);
}

const isValid: Builtin = (_context, source) => typeof source === 'string' && parse(source) !== undefined;

export const semverBuiltins: Builtins = { 'semver.compare': compare, 'semver.is_valid': isValid };
