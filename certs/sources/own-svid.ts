import type { KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { type Algorithms, algorithmsProblem } from '../approved.ts';
import { type Certificate, certificateToPem } from '../certificate.ts';
import { CertsError, type CertsErrorCode } from '../errors.ts';
import { type HandshakeRefusalReason, isHandshakeRefusal } from '../handshake-refusal.ts';
import { findPaths, issuersProblem, type Path } from '../path.ts';
import { judgePeer } from '../peer.ts';
import { type SpiffeId, type TrustDomain, trustDomainOf } from '../spiffe-id.ts';
import { isBroken, judgeLeaf } from '../svid.ts';
import { readTrustBundle, type TrustBundle, type TrustBundleData, trustBundleData } from '../trust-bundle.ts';
import type { SvidMaterial } from './svid-source.ts';

/** Certificates with the leaf first, as somebody else hands them to us, and the key that came along. */
export type OfferedSvid = { readonly chain: readonly [Certificate, ...Certificate[]]; readonly key: KeyObject };

export type SvidProblem = {
  readonly part: 'certificate' | 'key';
  readonly code: CertsErrorCode;
  readonly message: string;
};

export type ExpectedSvid = {
  readonly spiffeId: SpiffeId;
  /** Undefined where there is none to judge the path by: then the SVID is neither good nor bad. */
  readonly bundle: TrustBundleData | undefined;
  readonly nowMs: number;
  /** `strong` unless it is given. */
  readonly algorithms?: Algorithms | undefined;
};

/**
 * The SVID is good when it is the one that was configured, belongs to its key, and would be accepted by ourselves: what
 * we would refuse of a peer, peers will refuse of us.
 */
export function judgeOwnSvid(
  { chain, key }: OfferedSvid,
  { spiffeId: configured, bundle, nowMs, algorithms }: ExpectedSvid,
): SvidMaterial | SvidProblem | undefined {
  const [leaf] = chain;
  const wrong = (code: CertsErrorCode, message: string) => ({ part: 'certificate', code, message }) as const;
  const spiffeId = judgeLeaf(leaf);
  if (isBroken(spiffeId)) return wrong(codes[spiffeId.reason] ?? 'svid-invalid', spiffeId.detail);
  if (spiffeId !== configured) {
    return wrong('svid-foreign', `the SVID is ${spiffeId}, and identity.spiffe_id is ${configured}`);
  }
  if (!leaf.openssl.checkPrivateKey(key)) {
    return { part: 'key', code: 'key-mismatch', message: 'not the key of the certificate' };
  }
  if (bundle === undefined) return undefined;
  const trust = readTrustBundle(bundle, undefined, [], algorithms);
  const chainDer = chain.map(({ der }) => der);
  const peer = judgePeer(chainDer, null, trust, nowMs);
  if (isHandshakeRefusal(peer)) return wrong(codes[peer.refused] ?? 'svid-invalid', peer.detail);
  const served = {
    chainPem: servedOf(chain, trust, trustDomainOf(spiffeId)),
    keyPem: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
  const refusal = refusalOfOpenssl(served);
  if (refusal !== undefined) return wrong('svid-invalid', `OpenSSL does not serve TLS with it: ${refusal}`);
  return {
    spiffeId,
    ...served,
    serial: leaf.serial,
    notBeforeMs: peer.notBeforeMs,
    // Of the whole path: with its issuer the SVID ends too.
    notAfterMs: peer.notAfterMs,
  };
}

const codes: Partial<Record<HandshakeRefusalReason, CertsErrorCode>> = {
  'malformed-certificate': 'certificate-malformed',
  expired: 'svid-expired',
  'not-yet-valid': 'svid-not-yet-valid',
  untrusted: 'svid-untrusted',
  'wrong-trust-domain': 'svid-foreign',
};

/**
 * What stands on a good path to a root of ours, so that nothing is sent that was not judged: OpenSSL refuses the whole for one
 * old CA with a weak key at the end of a file. RFC 8446 section 4.4.2 lets the root be left out: who trusts it has it. Vault
 * and cert-manager may put it at the end.
 */
function servedOf(
  [leaf, ...others]: OfferedSvid['chain'],
  { domains, algorithms }: TrustBundle,
  trustDomain: TrustDomain,
): string {
  const roots = domains.get(trustDomain)?.roots ?? [];
  const isGood = (path: Path) => (issuersProblem(path) ?? algorithmsProblem(path, algorithms)) === undefined;
  const onPath = new Set<Certificate>([...findPaths(leaf, others, roots)].filter(isGood).flat());
  const issuers = others.filter((one) => onPath.has(one) && !one.openssl.checkIssued(one.openssl));
  return [leaf, ...issuers].map(certificateToPem).join('');
}

/** A data thread that is given what OpenSSL refuses would end, and each of its successors too. */
function refusalOfOpenssl({ chainPem: cert, keyPem: key }: Pick<SvidMaterial, 'chainPem' | 'keyPem'>) {
  try {
    // Without `ca` Node would read its own list of roots.
    createSecureContext({ cert, key, ca: [] });
    return undefined;
  } catch (error) {
    return error instanceof Error && 'reason' in error ? String(error.reason) : String(error);
  }
}

export function isSameSvid(one: SvidMaterial, other: SvidMaterial): boolean {
  return one.chainPem === other.chainPem && one.keyPem === other.keyPem;
}

/** Why this certificate cannot be a root of the trust domain; undefined when it can. */
export function rootProblem(root: Certificate, trustDomain: TrustDomain): CertsError | undefined {
  try {
    readTrustBundle(trustBundleData([{ trustDomain, rootsPem: certificateToPem(root) }]));
  } catch (error) {
    if (error instanceof CertsError) return error;
    throw error;
  }
  // OpenSSL ends a path at a self-signed certificate only, so with this one it would refuse every peer.
  if (root.openssl.checkIssued(root.openssl) && root.openssl.verify(root.openssl.publicKey)) return undefined;
  return new CertsError('trust-bundle-invalid', `${root.subject} is not self-signed, so no path can end in it`);
}
