import { checkServerIdentity, type ConnectionOptions, type PeerCertificate } from 'node:tls';
import { type Algorithms, algorithmsProblem } from '../../certs/approved.ts';
import type { Certificate } from '../../certs/certificate.ts';
import { CertsError } from '../../certs/errors.ts';
import { strengthProblem } from '../../certs/svid.ts';
import { parseCertificate } from '../../certs/parse-certificate.ts';
import type { Config } from '../config/config.ts';
import type { SignatureAlgorithm } from '../user/algorithms.ts';

/** The lists of `profile: fips`, section 5 of CONTROLS.md: what it takes of SP 800-52r2 and FIPS 186-5. */
export function algorithmsOf({ profile }: Pick<Config, 'profile'>): Algorithms {
  return profile === 'fips' ? 'approved' : 'strong';
}

type Lists = { readonly ciphers: string; readonly sigalgs: string; readonly ecdhCurve: string };

/**
 * No hybrid with ML-KEM: FIPS 203 approves it, but a module may be relied on for what its certificate covers, and those
 * that are validated came before it.
 */
export const approvedTls: Lists = {
  ciphers: 'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256',
  sigalgs:
    'ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:' +
    'rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512',
  ecdhCurve: 'P-256:P-384',
};

/** ES512 is missing as P-521 is everywhere; EdDSA is in FIPS 186-5 and not in the list of CONTROLS.md. */
export const approvedTokens: readonly SignatureAlgorithm[] = [
  'ES256',
  'ES384',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
];

type ClientLists = Lists & { readonly minVersion: 'TLSv1.2' };

/** For what we ask servers of others; TLS 1.2 is the least that SP 800-52r2 allows, and some have no more. */
export const approvedClient: ClientLists = {
  minVersion: 'TLSv1.2',
  ciphers:
    `${approvedTls.ciphers}:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:` +
    'ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  // PKCS #1 v1.5 signs certificates, and handshakes of TLS 1.2.
  sigalgs: `${approvedTls.sigalgs}:rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512`,
  ecdhCurve: approvedTls.ecdhCurve,
};

/** What a connection to a server of somebody else is made with. */
export function clientTls(
  algorithms: Algorithms,
): Partial<ClientLists> & Pick<ConnectionOptions, 'checkServerIdentity'> {
  if (algorithms === 'strong') return {};
  return {
    ...approvedClient,
    // OpenSSL has verified the chain by now, whose issuers may have any algorithm that is strong.
    checkServerIdentity: (host, leaf) => checkServerIdentity(host, leaf) ?? unapprovedChain(leaf),
  };
}

function unapprovedChain(leaf: PeerCertificate): Error | undefined {
  try {
    const chain = verifiedChain(leaf);
    const problem = chain.map(strengthOfIssued).find(Boolean) ?? algorithmsProblem(chain, 'approved');
    return problem && new Error(`the certificate of the server: ${problem.detail}`);
  } catch (cause) {
    if (cause instanceof CertsError) return cause;
    throw cause;
  }
}

/** Nobody relies on the signature of a root, and old ones have SHA-1 there. */
function strengthOfIssued(certificate: Certificate, index: number, chain: readonly Certificate[]) {
  return index < chain.length - 1 ? strengthProblem(certificate) : undefined;
}

/** Node gives the verified path as a list in which a root is its own issuer. */
export function verifiedChain(leaf: PeerCertificate): readonly Certificate[] {
  const chain: Certificate[] = [];
  let next: (PeerCertificate & { readonly issuerCertificate?: PeerCertificate }) | undefined = leaf;
  const seen = new Set<string>();
  while (next !== undefined && !seen.has(next.fingerprint256)) {
    seen.add(next.fingerprint256);
    chain.push(parseCertificate(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}
