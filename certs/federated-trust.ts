import type { TrustDomain } from './spiffe-id.ts';
import type { TrustBundleData } from './trust-bundle.ts';

export type FederatedRoots = { readonly trustDomain: TrustDomain; readonly rootsPem: readonly string[] };

/**
 * Our own trust, with the roots of other trust domains beside it. Each root stays with its domain; one that is of another domain
 * already would let either issue the identities of the other, so the bundle that has it too is left out. Our own comes first, and
 * then the order of the configuration.
 */
export function withFederated(
  own: TrustBundleData,
  federated: readonly FederatedRoots[],
): { readonly trust: TrustBundleData; readonly leftOut: readonly string[] } {
  if (federated.length === 0) return { trust: own, leftOut: [] };
  const owners = new Map(own.flatMap(({ trustDomain, rootsPem }) => rootsPem.map((pem) => [pem, trustDomain])));
  const leftOut: string[] = [];
  const beside = federated.flatMap(({ trustDomain, rootsPem }) => {
    const owner = rootsPem.map((pem) => owners.get(pem)).find((one) => one !== undefined);
    if (owner !== undefined) {
      leftOut.push(`the bundle of ${trustDomain} is left out: it has a root of ${owner}`);
      return [];
    }
    for (const pem of rootsPem) owners.set(pem, trustDomain);
    return [{ trustDomain, rootsPem, crlsPem: [] }];
  });
  const trust = [...own, ...beside].toSorted((one, other) => (one.trustDomain < other.trustDomain ? -1 : 1));
  return { trust, leftOut };
}
