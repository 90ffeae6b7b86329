import { pemBlocks } from '../certificate.ts';
import { crlLabel, isRevoked } from '../crl.ts';
import type { TrustDomain } from '../spiffe-id.ts';
import type { JwtKey } from '../spiffe-bundle.ts';
import { readTrustBundle, type TrustBundleData } from '../trust-bundle.ts';

/** Whom workloads are told to trust: the roots and revocation lists of the trust domain that is served, and the bundles of others. */
export type ServedTrust = {
  readonly trustDomain: TrustDomain;
  readonly current: () => TrustAnchors;
  /** Those that are there now. What is missing is of a domain that nobody is to believe any more. */
  readonly federated: () => readonly FederatedAnchors[];
  readonly watch: (changed: () => void) => () => void;
  /** Reads it again; answers whether it has changed. Throws CertsError, and what was there stays in force. */
  readonly lookAgain: () => boolean;
};

/** The bundle of a foreign trust domain, as it is told to workloads. */
export type FederatedAnchors = {
  readonly trustDomain: TrustDomain;
  readonly rootsPem: readonly string[];
  readonly jwtKeys: readonly JwtKey[];
};

/** Where the bundles of others come from. */
export type Federation = {
  /** Those that may stand beside our own. */
  readonly current: (own: TrustBundleData) => readonly FederatedAnchors[];
  readonly watch: (changed: () => void) => () => void;
};

export type TrustAnchors = {
  readonly rootsPem: string;
  readonly crlsPem: string;
  /** One behind the other, as the Workload API wants them. */
  readonly rootsDer: Uint8Array;
  readonly crlsDer: readonly Uint8Array[];
  readonly isRevoked: (serial: string) => boolean;
};

export function serveTrust(trustDomain: TrustDomain, read: () => TrustBundleData, federation: Federation): ServedTrust {
  const watchers = new Set<() => void>();
  let data = read();
  let anchors = anchorsOf(trustDomain, data);
  return {
    trustDomain,
    current: () => anchors,
    federated: () => federation.current(data),
    watch: (changed) => {
      // Not the function itself: two streams may bring the same one.
      const watcher = () => changed();
      watchers.add(watcher);
      const stop = federation.watch(watcher);
      return () => {
        watchers.delete(watcher);
        stop();
      };
    },
    lookAgain: () => {
      const next = read();
      if (JSON.stringify(next) === JSON.stringify(data)) return false;
      anchors = anchorsOf(trustDomain, next);
      data = next;
      for (const watcher of watchers) watcher();
      return true;
    },
  };
}

function anchorsOf(trustDomain: TrustDomain, data: TrustBundleData): TrustAnchors {
  const { roots = [], crls = [] } = readTrustBundle(data).domains.get(trustDomain) ?? {};
  const [domain] = data;
  return {
    rootsPem: domain?.rootsPem.join('') ?? '',
    crlsPem: domain?.crlsPem.join('') ?? '',
    rootsDer: Buffer.concat(roots.map(({ der }) => der)),
    crlsDer: pemBlocks(domain?.crlsPem.join('') ?? '', crlLabel) ?? [],
    isRevoked: (serial) => crls.some((crl) => isRevoked(crl, { serial })),
  };
}

/** What a socket is told of others is what it was granted. */
export function trustOf(trust: ServedTrust, federatesWith: readonly TrustDomain[]): ServedTrust {
  return {
    ...trust,
    federated: () => trust.federated().filter(({ trustDomain }) => federatesWith.includes(trustDomain)),
  };
}

/** One behind the other, as the Workload API wants them. */
export function rootsDer({ rootsPem }: FederatedAnchors): Uint8Array<ArrayBuffer> {
  return Buffer.concat(pemBlocks(rootsPem.join(''), 'CERTIFICATE') ?? []);
}
