import { sortedEntries, sortedMembers } from '../../value/order.ts';
import { add, setOf } from '../../value/set.ts';
import { isArray, isObject, isSet, RegoSet, type Value } from '../../value/value.ts';
import { type Builtin, BuiltinError, type Builtins } from '../builtin.ts';
import {
  addressText,
  containsAddress,
  containsNetwork,
  isIpv4,
  isNetwork,
  lastOf,
  type Network,
  parseAddress,
  parseNetwork,
} from './ip-network.ts';
import { mergeNetworks, type WrittenNetwork } from './merge.ts';
import { text } from '../operands.ts';

const contains: Builtin = (_context, network, addressOrNetwork) => {
  return test(parseNetwork(text(network, 1)), parseEither(text(addressOrNetwork, 2)));
};

type Either = { readonly address: bigint } | { readonly network: Network };

function parseEither(source: string): Either {
  const address = parseAddress(source);
  return address === undefined ? { network: parseNetwork(source) } : { address };
}

function test(network: Network, other: Either): boolean {
  return 'address' in other ? containsAddress(network, other.address) : containsNetwork(network, other.network);
}

const intersects: Builtin = (_context, a, b) => {
  const [x, y] = [parseNetwork(text(a, 1)), parseNetwork(text(b, 1))];
  return containsNetwork(x, y) || containsNetwork(y, x);
};

/** Pairs of the places of a network and of what it contains. */
const containsMatches: Builtin = ({ charge }, networks, others) => {
  const left = places(networks, 1);
  if (left.length === 0) return new RegoSet();
  const right = places(others, 2);
  charge(100 * (left.length + right.length) + 2 * left.length * right.length);
  if (right.length === 0) return new RegoSet();
  const parsed = right.map(([place, value]) => [place, parseEither(text(value, 1))] as const);
  const pairs = new RegoSet();
  for (const [place, value] of left) {
    const network = parseNetwork(text(value, 1));
    for (const [otherPlace, other] of parsed) if (test(network, other)) add(pairs, [place, otherPlace]);
  }
  return pairs;
};

/** Each text with what names its place: the index, the key, or the element itself. */
function places(operand: Value | undefined, position: number): readonly (readonly [Value, Value])[] {
  if (typeof operand === 'string') return [[operand, operand]];
  if (isArray(operand)) return operand.map((value, index) => [index, textOf(value, position)]);
  if (isSet(operand)) return sortedMembers(operand).map((value) => [value, textOf(value, position)]);
  if (isObject(operand)) return sortedEntries(operand).map(([key, value]) => [key, textOf(value, position)]);
  return [];
}

/** An array carries its text first, and anything else behind it. */
function textOf(value: Value, position: number): Value {
  const found = isArray(value) ? value[0] : value;
  if (found === undefined || (!isArray(value) && typeof value !== 'string')) {
    throw new BuiltinError(`operand ${position}: element must be string or non-empty array`);
  }
  return found;
}

const expand: Builtin = ({ charge }, source) => {
  const network = parseNetwork(text(source, 1));
  const size = lastOf(network) - network.first + 1n;
  charge(20 * Number(size));
  const addresses = new RegoSet();
  for (let i = 0n; i < size; i++) add(addresses, addressText(network.first + i));
  return addresses;
};

const isValid: Builtin = (_context, source) => typeof source === 'string' && isNetwork(source);

const merge: Builtin = ({ charge }, operand) => {
  const values = isSet(operand) ? sortedMembers(operand) : operand;
  if (!isArray(values)) throw new BuiltinError('operand must be an array');
  charge(200 * values.length);
  return setOf(mergeNetworks(values.map(written)));
};

/** An address of IPv4 alone stands for the network of its class, as before 1993; one of IPv6 needs a prefix. */
function written(value: Value): WrittenNetwork {
  if (typeof value !== 'string') throw new BuiltinError('element must be string');
  const address = parseAddress(value);
  if (address === undefined) {
    const { first, prefix } = parseNetwork(value);
    return { address: first, prefix };
  }
  if (!isIpv4(address)) throw new BuiltinError('IPv6 invalid: needs prefix length');
  return { address, prefix: 96 + classPrefix(Number((address >> 24n) & 0xffn)) };
}

function classPrefix(firstByte: number): number {
  if (firstByte < 0x80) return 8;
  return firstByte < 0xc0 ? 16 : 24;
}

export const netBuiltins: Builtins = {
  'net.cidr_contains': contains,
  'net.cidr_contains_matches': containsMatches,
  'net.cidr_expand': expand,
  'net.cidr_intersects': intersects,
  'net.cidr_is_valid': isValid,
  'net.cidr_merge': merge,
  'net.cidr_overlap': contains,
};
