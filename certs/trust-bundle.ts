import { createHash } from 'node:crypto';
import type { Algorithms } from './approved.ts';
import { type Certificate, certificateToPem, derToPem, keyUsageBits, pemBlocks } from './certificate.ts';
import { type Crl, crlLabel, readCrlsPem } from './crl.ts';
import { CertsError } from './errors.ts';
import { type Denylist, type DenylistData, readDenylist } from './denylist.ts';
import { isSignedBy } from './path.ts';
import { parseTrustDomain, type TrustDomain } from './spiffe-id.ts';
import { keyProblem } from './svid.ts';
import { parseCertificatesPem } from './parse-certificate.ts';

/** The form that is written down, digested and posted to other threads: plain, sorted, one PEM block per entry. */
export type TrustBundleData = readonly TrustDomainData[];

export type TrustDomainData = {
  readonly trustDomain: string;
  readonly rootsPem: readonly string[];
  readonly crlsPem: readonly string[];
};

/** What a source of revocation lists has; undefined while it has had none yet. */
export type RevocationLists = {
  readonly source: string;
  /** Names of those whose lists they are, in the form to be compared. */
  readonly issuers: readonly string[];
  readonly crls: readonly Crl[] | undefined;
};

/** The form that is judged by. Each root belongs to exactly one trust domain. */
export type TrustBundle = {
  /** SHA-256 of the data, denylist and revocation lists included: two bundles that say the same have the same revision. */
  readonly revision: string;
  readonly domains: ReadonlyMap<TrustDomain, DomainTrust>;
  /** Who is refused whatever the certificates say; undefined where there is none. */
  readonly denylist: Denylist | undefined;
  /** Names of issuers whose list has not come yet, and from where it is to come: who is revoked nobody knows, so all might be. */
  readonly awaitedLists: ReadonlyMap<string, string>;
  /** What certificates of a path may be signed with. */
  readonly algorithms: Algorithms;
};

export type DomainTrust = { readonly roots: readonly Certificate[]; readonly crls: readonly Crl[] };

/** Sorts, splits and removes repetitions, so that the same trust always makes the same digest. Throws CertsError. */
export function trustBundleData(
  domains: readonly { readonly trustDomain: TrustDomain; readonly rootsPem: string; readonly crlsPem?: string }[],
): TrustBundleData {
  return domains
    .map(({ trustDomain, rootsPem, crlsPem }) => ({
      trustDomain,
      rootsPem: sortedOnce(parseCertificatesPem(rootsPem).map(certificateToPem)),
      crlsPem: sortedOnce(crlBlocks(crlsPem ?? '')),
    }))
    .toSorted((a, b) => compare(a.trustDomain, b.trustDomain));
}

/** Throws CertsError `trust-bundle-invalid` for anything that could not anchor trust. */
export function readTrustBundle(
  data: TrustBundleData,
  denylist?: DenylistData,
  lists: readonly RevocationLists[] = [],
  algorithms: Algorithms = 'strong',
): TrustBundle {
  const domains = new Map<TrustDomain, DomainTrust>();
  const owners = new Map<string, string>();
  for (const entry of data) {
    const trustDomain = parseTrustDomain(entry.trustDomain);
    if (domains.has(trustDomain)) throw invalid(`trust domain ${trustDomain} is given twice`);
    const roots = parseCertificatesPem(entry.rootsPem.join('\n'));
    if (roots.length === 0) throw invalid(`trust domain ${trustDomain} has no root certificate`);
    for (const root of roots) {
      checkRoot(root, trustDomain);
      // The root decides the domain: with one root in two bundles either could issue the other's identities.
      const owner = owners.get(root.fingerprintSha256) ?? trustDomain;
      if (owner !== trustDomain) throw invalid(`${root.subject} is a root of ${owner} and of ${trustDomain}`);
      owners.set(root.fingerprintSha256, trustDomain);
    }
    domains.set(trustDomain, { roots, crls: entry.crlsPem.flatMap(readCrlsPem) });
  }
  const revision = createHash('sha256')
    .update(JSON.stringify([data, denylist, lists.map(listsKey)]))
    .digest('hex');
  return {
    revision,
    algorithms,
    domains: withLists(domains, lists),
    denylist: denylist && readDenylist(denylist),
    awaitedLists: new Map(
      lists.flatMap(({ source, issuers, crls }) => (crls === undefined ? issuers.map((name) => [name, source]) : [])),
    ),
  };
}

/** What says that two sources have the same, without their bytes. */
export function listsKey({ source, issuers, crls }: RevocationLists): readonly unknown[] {
  return [source, issuers, crls?.map(({ sha256 }) => sha256)];
}

/**
 * A list holds for every trust domain that has an issuer of its name, except for one whose root of that name has not signed it
 * while that of another domain has: roots of two domains may have one name.
 */
function withLists(
  domains: ReadonlyMap<TrustDomain, DomainTrust>,
  lists: readonly RevocationLists[],
): ReadonlyMap<TrustDomain, DomainTrust> {
  const all = lists.flatMap(({ crls }) => crls ?? []);
  const owners = all.map((crl) => [...domains].find(([, { roots }]) => roots.some((root) => isOf(crl, root)))?.[0]);
  return new Map(
    [...domains].map(([name, { roots, crls }]) => {
      const here = all.filter((_, index) => owners[index] === undefined || owners[index] === name);
      return [name, { roots, crls: [...crls, ...here] }];
    }),
  );
}

function isOf(crl: Crl, root: Certificate): boolean {
  return crl.issuerName === root.subjectName && isSignedBy(crl, root);
}

function checkRoot(root: Certificate, trustDomain: TrustDomain): void {
  const signs = root.keyUsage === undefined || (root.keyUsage.bits & keyUsageBits.keyCertSign) !== 0;
  if (!root.basicConstraints?.ca || !signs) {
    throw invalid(`${root.subject} in the bundle of ${trustDomain} is not a CA certificate`);
  }
  const weak = keyProblem(root);
  if (weak !== undefined) throw invalid(`root ${root.subject} of ${trustDomain} is too weak: ${weak.detail}`);
}

function crlBlocks(pem: string): string[] {
  if (pem.trim() === '') return [];
  readCrlsPem(pem);
  return (pemBlocks(pem, crlLabel) ?? []).map((der) => derToPem(der, crlLabel));
}

function sortedOnce(texts: readonly string[]): string[] {
  return [...new Set(texts)].toSorted(compare);
}

/** By code unit: a digest must not depend on the locale. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function invalid(message: string): CertsError {
  return new CertsError('trust-bundle-invalid', message);
}
