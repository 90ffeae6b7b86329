import { verify } from 'node:crypto';
import { type Certificate, keyUsageBits, oids } from './certificate.ts';
import { type Crl, isRevoked } from './crl.ts';
import type { TrustDomain } from './spiffe-id.ts';
import { type Broken, extendedUsageProblem, formProblem, keyProblem, serialProblem, strengthProblem } from './svid.ts';

/** From the leaf to a root, each certificate signed by the next. */
export type Path = readonly [leaf: Certificate, ...issuers: Certificate[], root: Certificate];

/** Whether the first is signed with the key of the second. */
export type SignatureCheck = (child: Certificate, issuer: Certificate) => boolean;

// A peer chooses what it presents; without a budget crossed certificates make the search exponential.
const maxSignatureChecks = 16;

/** OpenSSL's signature check, for all searches of one verdict together: none is made twice, and then there are no more. */
export function signatureChecks(): SignatureCheck {
  let left = maxSignatureChecks;
  const known = new Map<string, boolean>();
  return (child, issuer) => {
    if (!child.openssl.checkIssued(issuer.openssl)) return false;
    const pair = `${child.fingerprintSha256} ${issuer.fingerprintSha256}`;
    const verdict = known.get(pair) ?? (left-- > 0 && verifies(child, issuer));
    known.set(pair, verdict);
    return verdict;
  };
}

/** `issuersProblem` refuses each path over a key that is refused, so that nobody has to know what was signed with it. */
function verifies(child: Certificate, issuer: Certificate): boolean {
  return keyProblem(issuer) !== undefined || child.openssl.verify(issuer.openssl.publicKey);
}

/**
 * Every path from the leaf over presented certificates to one of the roots. There is more than one while a CA is renewed
 * with the same key, and when others have signed it too; any that is good will do.
 */
export function* findPaths(
  leaf: Certificate,
  presented: readonly Certificate[],
  roots: readonly Certificate[],
  isSigned: SignatureCheck = signatureChecks(),
): Generator<Path> {
  const issuers = vouchedFor(presented, roots, isSigned);
  function* climb(below: readonly [Certificate, ...Certificate[]]): Generator<Path> {
    const tip = below.at(-1) ?? leaf;
    for (const root of roots) if (isSigned(tip, root)) yield [...below, root];
    for (const issuer of issuers) {
      if (!below.includes(issuer) && isSigned(tip, issuer)) yield* climb([...below, issuer]);
    }
  }
  yield* climb([leaf]);
}

/**
 * Those that a root has signed, or another of them, from the roots down: no signature is checked with a key that a stranger
 * has brought along. One check with an RSA key whose exponent is as long as its modulus takes OpenSSL 14 ms.
 */
function vouchedFor(
  presented: readonly Certificate[],
  roots: readonly Certificate[],
  isSigned: SignatureCheck,
): readonly Certificate[] {
  const waiting = new Set(presented);
  const issuers = [...roots];
  // It grows while it is gone through.
  for (const issuer of issuers) {
    for (const child of waiting) {
      if (!isSigned(child, issuer)) continue;
      waiting.delete(child);
      issuers.push(child);
    }
  }
  return presented.filter((certificate) => !waiting.has(certificate));
}

/** What RFC 5280 section 6.1 asks of the issuers; the leaf has its own rules. */
export function issuersProblem([, ...issuers]: Path): Broken | undefined {
  for (const [below, issuer] of issuers.entries()) {
    const isRoot = below === issuers.length - 1;
    const problem =
      authorityProblem(issuer, below) ??
      formProblem(issuer) ??
      extendedUsageProblem(issuer.extendedKeyUsage) ??
      // Nobody relies on the signature of a root: it is trusted because it is in the bundle.
      (isRoot ? keyProblem(issuer) : intermediateProblem(issuer));
    if (problem !== undefined) return { ...problem, detail: `issuer ${issuer.subject}: ${problem.detail}` };
  }
  return undefined;
}

function authorityProblem({ basicConstraints, keyUsage }: Certificate, casBelow: number): Broken | undefined {
  if (!basicConstraints?.ca) return { reason: 'untrusted', detail: 'is not a CA' };
  if (keyUsage !== undefined && (keyUsage.bits & keyUsageBits.keyCertSign) === 0) {
    return { reason: 'untrusted', detail: 'may not sign certificates' };
  }
  if (basicConstraints.pathLength !== undefined && casBelow > basicConstraints.pathLength) {
    return { reason: 'untrusted', detail: `has ${casBelow} CAs below it, ${basicConstraints.pathLength} allowed` };
  }
  return undefined;
}

/** A root is trusted as it is; what stands between has to be marked as what it is. */
function intermediateProblem(issuer: Certificate): Broken | undefined {
  const { extensions, keyUsage } = issuer;
  // RFC 5280 section 4.2.1.9 and X509-SVID section 4.3.
  const marked = extensions.some(({ oid, critical }) => oid === oids.basicConstraints && critical);
  if (!marked || !keyUsage?.critical) {
    return { reason: 'untrusted', detail: 'lacks basic constraints or key usage that are critical' };
  }
  return serialProblem(issuer) ?? strengthProblem(issuer);
}

/** X509-SVID section 3.2: a signing certificate that has a SPIFFE ID has that of its own trust domain, without a path. */
export function foreignIssuer([, ...issuers]: Path, trustDomain: TrustDomain): Broken | undefined {
  for (const { subjectAltNames } of issuers) {
    // Any spelling of the scheme: what is no SPIFFE ID, and means to be one, is refused as well.
    const ids = subjectAltNames.filter(({ value }) => /^spiffe:/i.test(value)).map(({ value }) => value);
    const [foreign] = ids.filter(
      (id) => id !== `spiffe://${trustDomain}` && !id.startsWith(`spiffe://${trustDomain}/`),
    );
    if (foreign !== undefined) return { reason: 'wrong-trust-domain', detail: `an issuer of the path is ${foreign}` };
    const [id] = ids;
    if (id !== undefined && (ids.length > 1 || id !== `spiffe://${trustDomain}`)) {
      return { reason: 'not-an-svid', detail: `an issuer of the path is ${ids.join(' and ')}` };
    }
  }
  return undefined;
}

export function validityProblem(path: readonly Certificate[], nowMs: number): Broken | undefined {
  for (const { subject, subjectAltNames, notBeforeMs, notAfterMs } of path) {
    const name = subjectAltNames[0]?.value ?? subject;
    if (nowMs > notAfterMs) return { reason: 'expired', detail: `${name} expired ${iso(notAfterMs)}` };
    if (nowMs < notBeforeMs) return { reason: 'not-yet-valid', detail: `${name} is valid from ${iso(notBeforeMs)}` };
  }
  return undefined;
}

/** What there is, and of which issuers it is to come from where. */
type Lists = { readonly crls: readonly Crl[]; readonly awaited: ReadonlyMap<string, string> };

/** Each issuer of the path that has a revocation list is asked; a list that cannot be relied on refuses. */
export function revocationProblem(path: Path, { crls, awaited }: Lists, nowMs: number): Broken | undefined {
  for (const [index, issuer] of path.entries()) {
    const subject = path[index - 1];
    if (subject === undefined) continue;
    const source = awaited.get(issuer.subjectName);
    if (source !== undefined) {
      return { reason: 'revocation-unknown', detail: `the list of ${issuer.subject} has not come from ${source} yet` };
    }
    const lists = crls.filter(({ issuerName }) => issuerName === issuer.subjectName);
    if (lists.length === 0) continue;
    const signed = lists.filter((crl) => isSignedBy(crl, issuer));
    if (signed.some((crl) => isRevoked(crl, subject))) {
      return { reason: 'revoked', detail: `serial ${subject.serial} is revoked by ${issuer.subject}` };
    }
    if (!signed.some((crl) => crl.thisUpdateMs <= nowMs && nowMs <= crl.nextUpdateMs)) {
      return { reason: 'revocation-unknown', detail: `no current CRL signed by ${issuer.subject}${ended(signed)}` };
    }
  }
  return undefined;
}

function ended(lists: readonly Crl[]): string {
  return lists.length === 0 ? '' : `; the last ended ${iso(Math.max(...lists.map((crl) => crl.nextUpdateMs)))}`;
}

const verified = new Map<string, boolean>();
const maxVerified = 256;

/** Asked once for each list and issuer, not again after every reload: of a long list the digest alone takes milliseconds. */
export function isSignedBy(crl: Crl, issuer: Certificate): boolean {
  const key = `${crl.sha256} ${issuer.fingerprintSha256}`;
  const verdict = verified.get(key) ?? verifyCrl(crl, issuer);
  if (verified.size >= maxVerified) verified.clear();
  verified.set(key, verdict);
  return verdict;
}

function verifyCrl({ signedWith, signedBytes, signature }: Crl, issuer: Certificate): boolean {
  const { publicKey } = issuer.openssl;
  if (issuer.keyUsage !== undefined && (issuer.keyUsage.bits & keyUsageBits.crlSign) === 0) return false;
  if (signedWith === undefined || signedWith.keyType !== publicKey.asymmetricKeyType) return false;
  return verify(signedWith.digest, signedBytes, publicKey, signature);
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
