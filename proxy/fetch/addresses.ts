import { BlockList, isIP } from 'node:net';

/** Whether something may be fetched from this address. */
export type AddressJudge = (address: string) => boolean;

/**
 * IANA's special-purpose registries (RFC 6890): what is not reachable from everywhere is reachable from here only, and who
 * makes a name point there would have us ask it (SSRF): the metadata service of a cloud, an admin address on loopback.
 */
const notGlobal = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001::/23',
  '2001:db8::/32',
  // 6to4 wraps any IPv4 address.
  '2002::/16',
  '3fff::/20',
];
/** All of IPv6 that is given out; everything else is local, wraps an IPv4 address, or is nobody's yet. */
const givenOut = ['2000::/3'];
/** Made for who fetches something: V8 takes 12 ms, in each thread, for the expression by which Node knows an IPv6 address. */
let registries: { readonly notGlobal: BlockList; readonly givenOut: BlockList } | undefined;

/** `allowed` are networks in CIDR that may be asked although they are not public, by the configuration. */
export function judgeAddresses(allowed: readonly string[]): AddressJudge {
  const also = networks(allowed);
  const known = (registries ??= { notGlobal: networks(notGlobal), givenOut: networks(givenOut) });
  return (address) => {
    const plain = unmapped(address);
    const family = familyOf(plain);
    if (family === undefined) return false;
    if (also.check(plain, family)) return true;
    return !known.notGlobal.check(plain, family) && (family === 'ipv4' || known.givenOut.check(plain, family));
  };
}

/** `::ffff:10.0.0.1` in whatever spelling is 10.0.0.1. */
function unmapped(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address;
  const { hostname } = new URL(`http://[${address}]`);
  const [, high, low] = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(hostname) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = Number.parseInt(high, 16) * 0x10000 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join('.');
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  // A zone (`fe80::1%eth0`) is of a link.
  if (address.includes('%')) return undefined;
  return ([undefined, 'ipv4', 'ipv6'] as const)[isIP(address) === 0 ? 0 : isIP(address) === 4 ? 1 : 2];
}

function networks(all: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of all) {
    const { address, bits, family } = readNetwork(network) ?? {};
    if (address === undefined || bits === undefined) throw new TypeError(`${network} is no network`);
    list.addSubnet(address, bits, family);
  }
  return list;
}

type Network = { readonly address: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' };

/** `10.1.0.0/16`, or one address. Undefined for what is neither. */
export function readNetwork(text: string): Network | undefined {
  const [, address = '', given] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = familyOf(address);
  if (family === undefined) return undefined;
  const most = family === 'ipv4' ? 32 : 128;
  const bits = given === undefined ? most : Number(given);
  return bits <= most ? { address, bits, family } : undefined;
}
