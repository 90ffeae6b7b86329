import { pemBlocks } from '../certificate.ts';
import { crlLabel, isRevoked } from '../crl.ts';
import type { TrustDomain } from '../spiffe-id.ts';
import { readTrustBundle, type TrustBundleData } from '../trust-bundle.ts';

/** Whom workloads are told to trust: the roots and revocation lists of the one trust domain that is served. */
export type ServedTrust = {
  readonly trustDomain: TrustDomain;
  readonly current: () => TrustAnchors;
  readonly watch: (changed: () => void) => () => void;
  /** Reads it again; answers whether it has changed. Throws CertsError, and what was there stays in force. */
  readonly lookAgain: () => boolean;
};

export type TrustAnchors = {
  readonly rootsPem: string;
  readonly crlsPem: string;
  /** One behind the other, as the Workload API wants them. */
  readonly rootsDer: Uint8Array;
  readonly crlsDer: readonly Uint8Array[];
  readonly isRevoked: (serial: string) => boolean;
};

export function serveTrust(trustDomain: TrustDomain, read: () => TrustBundleData): ServedTrust {
  const watchers = new Set<() => void>();
  let data = read();
  let anchors = anchorsOf(trustDomain, data);
  return {
    trustDomain,
    current: () => anchors,
    watch: (changed) => {
      // Not the function itself: two streams may bring the same one.
      const watcher = () => changed();
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
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
