import ipaddr from 'ipaddr.js';
import { BuiltinError } from '../builtin.ts';

/*
 * Addresses are numbers of 128 bits, those of IPv4 within ::ffff:0:0/96. As in Go, an address that is written
 * ::ffff:1.2.3.4 is the same as 1.2.3.4, and no network of IPv6 contains any of IPv4.
 */

/** All addresses whose first `prefix` bits, of 128, are those of `first`. */
export type Network = { readonly first: bigint; readonly prefix: number };

const mappedBase = 0xffffn << 32n;

/** The longest address has 45 characters. */
const maxLength = 64;

/** Undefined for what is no address; zones, leading zeros and short forms of IPv4 are none. */
export function parseAddress(text: string): bigint | undefined {
  return readAddress(text)?.value;
}

/** Throws BuiltinError. */
export function parseNetwork(text: string): Network {
  return readNetwork(text) ?? invalid(text);
}

export const isNetwork = (text: string): boolean => readNetwork(text) !== undefined;

function readNetwork(text: string): Network | undefined {
  const slash = text.indexOf('/');
  const address = slash < 0 ? undefined : readAddress(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^[0-9]+$/.test(bits) || Number(bits) > address.bits) return undefined;
  return networkOf(address.value, Number(bits) + 128 - address.bits);
}

function invalid(text: string): never {
  throw new BuiltinError(`invalid CIDR address: ${text.slice(0, 100)}`);
}

/** Policies ask about the same networks again and again. */
const maxKnown = 1_000;
const known = new Map<string, Written | undefined>();

type Written = { readonly value: bigint; readonly bits: 32 | 128 };

function readAddress(text: string): Written | undefined {
  if (text.length > maxLength) return undefined;
  if (known.has(text)) return known.get(text);
  const address = readAnew(text);
  if (known.size >= maxKnown) known.delete(known.keys().next().value ?? '');
  known.set(text, address);
  return address;
}

function readAnew(text: string): Written | undefined {
  const ipv4 = readIpv4(text);
  if (ipv4 !== undefined) return { value: mappedBase + ipv4, bits: 32 };
  const groups = withoutDots(text);
  // What ipaddr.js takes beyond the standard: zones, and groups of more than four digits.
  if (groups === undefined || /%|[0-9a-f]{5}/i.test(groups) || !ipaddr.IPv6.isValid(groups)) return undefined;
  return { value: bytesOf(ipaddr.IPv6.parse(groups)), bits: 128 };
}

/** Looked at first: the library says no by throwing, which takes ten times as long as a yes. */
const fourNumbers = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/;

function readIpv4(text: string): bigint | undefined {
  if (!fourNumbers.test(text)) return undefined;
  return ipaddr.IPv4.isValidFourPartDecimal(text) ? bytesOf(ipaddr.IPv4.parse(text)) : undefined;
}

/** `::1.2.3.4` as `::102:304`: ipaddr.js takes it for `::ffff:1.2.3.4`. */
function withoutDots(text: string): string | undefined {
  const colon = text.lastIndexOf(':');
  if (colon < 0 || !text.includes('.')) return colon < 0 ? undefined : text;
  const ipv4 = readIpv4(text.slice(colon + 1));
  if (ipv4 === undefined) return undefined;
  return `${text.slice(0, colon + 1)}${(ipv4 >> 16n).toString(16)}:${(ipv4 & 0xffffn).toString(16)}`;
}

function bytesOf(address: ipaddr.IPv4 | ipaddr.IPv6): bigint {
  return BigInt(`0x${Buffer.from(address.toByteArray()).toString('hex')}`);
}

export function networkOf(address: bigint, prefix: number): Network {
  const host = BigInt(128 - prefix);
  return { first: (address >> host) << host, prefix };
}

export const lastOf = ({ first, prefix }: Network): bigint => first + (1n << BigInt(128 - prefix)) - 1n;

export const isIpv4 = (address: bigint): boolean => address >> 32n === 0xffffn;

/** A network of which the first address is one of IPv4 holds nothing else, or, with a short prefix, is of IPv6. */
const isIpv4Network = ({ first, prefix }: Network): boolean => prefix >= 96 && isIpv4(first);

export function containsAddress(network: Network, address: bigint): boolean {
  return isIpv4Network(network) === isIpv4(address) && networkOf(address, network.prefix).first === network.first;
}

export function containsNetwork(network: Network, other: Network): boolean {
  return (
    isIpv4Network(network) === isIpv4Network(other) &&
    network.prefix <= other.prefix &&
    networkOf(other.first, network.prefix).first === network.first
  );
}

export function addressText(address: bigint): string {
  const digits = isIpv4(address) ? hex(address & 0xffffffffn, 8) : hex(address, 32);
  return ipaddr.fromByteArray([...Buffer.from(digits, 'hex')]).toString();
}

const hex = (value: bigint, width: number): string => value.toString(16).padStart(width, '0');

/** `address` may have bits beyond the prefix. */
export function networkText(address: bigint, prefix: number): string {
  return `${addressText(address)}/${isIpv4(address) && prefix >= 96 ? prefix - 96 : prefix}`;
}
