import { integer } from '../value/number.ts';
import type { Value } from '../value/value.ts';
import type { Builtin, Builtins } from './builtin.ts';
import { text } from './operands.ts';

const grouped = '([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})';

/** As OPA's library reads them: any character may stand for each of the two braces. */
const forms = [
  new RegExp(`^(?:urn:uuid:)?${grouped}$`, 'i'),
  new RegExp(`^[\\0-\\x7f]${grouped}[\\0-\\x7f]$`, 'i'),
  /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i,
];

/** 15 October 1582, from which the time in a UUID counts, in units of 100 ns before the epoch. */
const gregorian = 122_192_928_000_000_000n;

/** Undefined for what is no UUID (RFC 9562), as in OPA: not an error. */
const parse: Builtin = (_context, value) => {
  const source = text(value, 1);
  for (const form of forms) {
    const groups = form
      .exec(source)
      ?.slice(1)
      .map((digits) => digits.toLowerCase());
    if (groups !== undefined) return describe(groups as [string, string, string, string, string]);
  }
  return undefined;
};

function describe([low, middle, high, clock, node]: readonly [string, string, string, string, string]): Value {
  const version = Number.parseInt(high.slice(0, 1), 16);
  const sequence = Number.parseInt(clock, 16);
  const known = { version, variant: variantOf(sequence >> 8) };
  if (version !== 1 && version !== 2) return known;
  const time = {
    ...known,
    // As OPA gives it: an int64, which wraps around, and for version 2 with an identifier for its low half.
    time: integer(BigInt.asIntN(64, (BigInt(`0x${high.slice(1)}${middle}${low}`) - gregorian) * 100n)),
    nodeid: node.replaceAll(/..(?=.)/g, '$&-'),
    macvariables: addressKind(Number.parseInt(node.slice(0, 2), 16)),
    clocksequence: sequence & 0x3fff,
  };
  return version === 1 ? time : { ...time, id: Number.parseInt(low, 16), domain: domainOf(sequence & 0xff) };
}

function variantOf(byte: number): string {
  if ((byte & 0xc0) === 0x80) return 'RFC4122';
  if ((byte & 0xe0) === 0xc0) return 'Microsoft';
  return (byte & 0xe0) === 0xe0 ? 'Future' : 'Reserved';
}

function addressKind(byte: number): string {
  return `${(byte & 2) === 0 ? 'global' : 'local'}:${(byte & 1) === 0 ? 'unicast' : 'multicast'}`;
}

const domainOf = (domain: number): string => ['Person', 'Group', 'Org'][domain] ?? `Domain${domain}`;

export const uuidBuiltins: Builtins = { 'uuid.parse': parse };
