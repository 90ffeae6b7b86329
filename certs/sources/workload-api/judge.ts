import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { Algorithms } from '../../approved.ts';
import { type Certificate, certificateToPem, derToPem } from '../../certificate.ts';
import { readDerElements } from '../../der.ts';
import { CertsError } from '../../errors.ts';
import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import { readTrustBundle, type TrustBundleData, trustBundleData } from '../../trust-bundle.ts';
import type { X509SVID, X509SVIDResponse } from '../../workload-api/proto/workload_pb.ts';
import { parseCertificate } from '../../parse-certificate.ts';
import type { Complaint } from '../complaints.ts';
import { judgeOwnSvid, rootProblem } from '../own-svid.ts';
import type { SvidMaterial } from '../svid-source.ts';

export type Expected = {
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  /** Chooses among SVIDs with the same SPIFFE ID; undefined takes the first. */
  readonly hint: string | undefined;
  /** Foreign trust domains whose bundles are used; those of others are left out. */
  readonly federation: readonly TrustDomain[];
  readonly nowMs: number;
  readonly algorithms?: Algorithms | undefined;
  /** By which the SVID is judged when the bundle of the message is no good. */
  readonly trustInForce: TrustBundleData | undefined;
};

/** What may be used of a message; a part that has a problem is undefined. */
export type Judged = {
  readonly svid: SvidMaterial | undefined;
  readonly trust: TrustBundleData | undefined;
  readonly complaints: readonly Complaint[];
};

export function judgeResponse(response: X509SVIDResponse | undefined, expected: Expected): Judged {
  const malformed = response === undefined ? 'a message that cannot be read' : missingField(response);
  if (response === undefined || malformed !== undefined) {
    const complaint = { about: 'svid', code: 'workload-api-malformed', message: malformed ?? '' } as const;
    return { svid: undefined, trust: undefined, complaints: [complaint] };
  }
  const complaints: Complaint[] = [];
  const trust = attempt('bundle', complaints, () => trustOf(response, expected, complaints));
  const svid = attempt('svid', complaints, () => svidOf(response, expected, trust ?? expected.trustInForce));
  return { svid, trust, complaints };
}

/** SPIFFE Workload API section 4.5: with a mandatory field empty the whole message is discarded. */
function missingField({ svids }: X509SVIDResponse): string | undefined {
  if (svids.length === 0) return 'a message without an SVID';
  for (const svid of svids) {
    const empty = (['spiffeId', 'x509Svid', 'x509SvidKey', 'bundle'] as const).find(
      (field) => svid[field].length === 0,
    );
    if (empty !== undefined) return `${shown(svid)} comes without its ${fieldNames[empty]}`;
  }
  return undefined;
}

const fieldNames = { spiffeId: 'SPIFFE ID', x509Svid: 'certificate', x509SvidKey: 'key', bundle: 'bundle' };

function attempt<T>(about: Complaint['about'], complaints: Complaint[], judge: () => T): T | undefined {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof CertsError)) throw error;
    complaints.push({ about, code: error.code, message: error.message });
    return undefined;
  }
}

function svidOf(
  { svids }: X509SVIDResponse,
  expected: Expected,
  bundle: TrustBundleData | undefined,
): SvidMaterial | undefined {
  const { spiffeId, hint } = expected;
  const chosen = svids.find((svid) => svid.spiffeId === spiffeId && (hint === undefined || svid.hint === hint));
  if (chosen === undefined) {
    const wanted = `${spiffeId}${hint === undefined ? '' : ` with the hint ${JSON.stringify(hint)}`}`;
    throw new CertsError(
      'svid-foreign',
      `no SVID of ${wanted} is offered, but ${svids.slice(0, 5).map(shown).join(', ')}`,
    );
  }
  const [leaf, ...issuers] = certificatesOf(chosen.x509Svid);
  if (leaf === undefined) throw new CertsError('certificate-malformed', 'an SVID without a certificate');
  const judged = judgeOwnSvid({ chain: [leaf, ...issuers], key: keyOf(chosen) }, { ...expected, bundle });
  if (judged !== undefined && 'part' in judged) throw new CertsError(judged.code, judged.message);
  return judged;
}

function shown({ spiffeId, hint }: X509SVID): string {
  const id = JSON.stringify(spiffeId.slice(0, 200));
  return hint === '' ? id : `${id} (${JSON.stringify(hint.slice(0, 50))})`;
}

function keyOf({ x509SvidKey }: X509SVID): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(x509SvidKey), format: 'der', type: 'pkcs8' });
  } catch {
    // No cause: nothing of what a parser says about a key belongs into a log.
    throw new CertsError('workload-api-malformed', 'the private key is no PKCS#8 that can be read');
  }
}

function certificatesOf(concatenated: Uint8Array): readonly Certificate[] {
  let elements: readonly Uint8Array[];
  try {
    elements = readDerElements(concatenated);
  } catch (cause) {
    throw new CertsError('certificate-malformed', `no certificates in DER: ${String(cause)}`, { cause });
  }
  return elements.map(parseCertificate);
}

/** The roots of our own trust domain, and of those it is federated with. Throws CertsError for our own; none of it, no SVID either. */
function trustOf(
  { svids, crl, federatedBundles }: X509SVIDResponse,
  { trustDomain, federation }: Expected,
  complaints: Complaint[],
): TrustBundleData | undefined {
  const ours = svids.find(({ spiffeId }) => spiffeId.startsWith(`spiffe://${trustDomain}/`));
  if (ours === undefined) return undefined;
  const crlsPem = crl.map((der) => derToPem(der, 'X509 CRL')).join('');
  const withDomain = (others: readonly TrustDomainPem[], domain: TrustDomain, roots: Uint8Array) =>
    naming(`the bundle of ${domain}`, () => {
      const domains = [...others, { trustDomain: domain, rootsPem: rootsPem(domain, roots), crlsPem }];
      // Throws also when two have the same root, which could then issue the identities of either.
      readTrustBundle(trustBundleData(domains));
      return domains;
    });
  let believed = withDomain([], trustDomain, ours.bundle);
  for (const foreign of federation) {
    // Section 4.4: what a message does not have is not kept from an earlier one.
    const roots = federatedBundles[`spiffe://${foreign}`];
    if (roots === undefined) continue;
    believed = attempt('bundle', complaints, () => withDomain(believed, foreign, roots)) ?? believed;
  }
  return trustBundleData(believed);
}

function naming<T>(what: string, judge: () => T): T {
  try {
    return judge();
  } catch (cause) {
    throw cause instanceof CertsError ? new CertsError(cause.code, `${what}: ${cause.message}`, { cause }) : cause;
  }
}

type TrustDomainPem = Parameters<typeof trustBundleData>[0][number];

function rootsPem(trustDomain: TrustDomain, concatenated: Uint8Array): string {
  const roots = certificatesOf(concatenated);
  for (const root of roots) {
    const problem = rootProblem(root, trustDomain);
    if (problem !== undefined) throw problem;
  }
  return roots.map(certificateToPem).join('');
}
