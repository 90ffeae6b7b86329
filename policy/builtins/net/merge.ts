import { lastOf, type Network, networkText, networkOf } from './ip-network.ts';

/** A network as it was written; the address may have bits beyond the prefix. */
export type WrittenNetwork = { readonly address: bigint; readonly prefix: number };

/** `whole` is the network that it is, as long as nothing was joined to it. */
type AddressRange = { readonly first: bigint; readonly last: bigint; readonly whole: WrittenNetwork | undefined };

/** The fewest networks with the same addresses. What nothing was joined to stays as it was written. */
export function mergeNetworks(networks: readonly WrittenNetwork[]): readonly string[] {
  const ranges = networks.map((written): AddressRange => {
    const network = networkOf(written.address, written.prefix);
    return { first: network.first, last: lastOf(network), whole: written };
  });
  return joined(ranges.toSorted(byLast)).flatMap(textsOf);
}

const byLast = (a: AddressRange, b: AddressRange): number => compare(a.last, b.last) || compare(a.first, b.first);

function compare(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** From the highest down, each with what overlaps it or ends right before it. */
function joined(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const apart: AddressRange[] = [];
  for (const range of ranges.toReversed()) {
    const above = apart.at(-1);
    if (above !== undefined && range.last >= addressBefore(above.first)) {
      const first = range.first < above.first ? range.first : above.first;
      apart[apart.length - 1] = { first, last: above.last, whole: undefined };
    } else apart.push(range);
  }
  return apart;
}

/** 0.0.0.0 does not follow on what is before it in IPv6. */
const addressBefore = (address: bigint): bigint =>
  address === 0n || address === 0xffffn << 32n ? address : address - 1n;

function textsOf({ first, last, whole }: AddressRange): readonly string[] {
  if (whole !== undefined) return [networkText(whole.address, whole.prefix)];
  return networksOf(first, last).map((network) => networkText(network.first, network.prefix));
}

/** The largest network that begins at the first address, and so on. */
function networksOf(first: bigint, last: bigint): readonly Network[] {
  const networks: Network[] = [];
  for (let next = first; next <= last; ) {
    let prefix = 128;
    while (prefix > 0 && isWithin({ first: next, prefix: prefix - 1 }, last)) prefix--;
    const network = { first: next, prefix };
    networks.push(network);
    next = lastOf(network) + 1n;
  }
  return networks;
}

function isWithin(network: Network, last: bigint): boolean {
  return networkOf(network.first, network.prefix).first === network.first && lastOf(network) <= last;
}
