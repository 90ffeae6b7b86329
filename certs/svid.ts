import { type Certificate, keyUsageBits, oids } from './certificate.ts';
import { CertsError } from './errors.ts';
import type { HandshakeRefusalReason } from './handshake-refusal.ts';
import { parseSpiffeId, pathOf, type SpiffeId } from './spiffe-id.ts';

/** A broken rule: the reason it is counted under and the sentence that is logged. */
export type Broken = { readonly reason: HandshakeRefusalReason; readonly detail: string };

export function isBroken(value: object | string | undefined): value is Broken {
  return typeof value === 'object' && 'reason' in value;
}

/**
 * The identity of a leaf by the X509-SVID standard, or the first rule it breaks. Signature, path and time are judged
 * elsewhere: a leaf that passes here has proved nothing yet.
 */
export function judgeLeaf(leaf: Certificate): SpiffeId | Broken {
  return formProblem(leaf) ?? serialProblem(leaf) ?? strengthProblem(leaf) ?? usageProblem(leaf) ?? identityOf(leaf);
}

const understoodExtensions: ReadonlySet<string> = new Set([
  oids.basicConstraints,
  oids.keyUsage,
  oids.extendedKeyUsage,
  oids.subjectAltName,
]);

/**
 * RFC 5280 section 4.2: an extension stands once; a critical one that is not understood refuses the certificate. Sections
 * 4.1.2.4 and 4.2.1.3: an issuer has a name, and a key usage a bit.
 */
export function formProblem(certificate: Certificate): Broken | undefined {
  if (certificate.issuer === '') return { reason: 'malformed-certificate', detail: 'its issuer has no name' };
  if (certificate.keyUsage !== undefined && (certificate.keyUsage.bits & 0xffff) === 0)
    return { reason: 'malformed-certificate', detail: 'key usage without a bit' };
  const seen = new Set<string>();
  for (const { oid, critical } of certificate.extensions) {
    if (seen.has(oid)) return { reason: 'malformed-certificate', detail: `extension ${oid} stands twice` };
    seen.add(oid);
    if (oid === oids.nameConstraints) {
      // CVE-2024-45341: half-understood URI constraints were worse than none, so a constrained CA is not used at all.
      return { reason: 'untrusted', detail: `name constraints in ${certificate.subject} are not supported` };
    }
    if (critical && !understoodExtensions.has(oid)) {
      return { reason: 'not-an-svid', detail: `critical extension ${oid} is not understood` };
    }
  }
  return undefined;
}

const strongSignatures = /^(?:(?:ECDSA|RSASSA-PKCS1-v1_5|RSA-PSS)-SHA-(?:256|384|512)|Ed25519)$/;

/** SHA-1 and shorter keys than SP 800-57 allows; Envoy and go-spiffe accept both. */
export function strengthProblem(certificate: Certificate): Broken | undefined {
  if (!strongSignatures.test(certificate.signatureAlgorithm)) {
    return { reason: 'weak-key', detail: `signature algorithm ${certificate.signatureAlgorithm}` };
  }
  return keyProblem(certificate);
}

export function keyProblem({ keyAlgorithm }: Certificate): Broken | undefined {
  const [type, size, exponent] = keyAlgorithm.split(' ');
  const strong =
    keyAlgorithm === 'Ed25519' ||
    (type === 'EC' && (size === 'P-256' || size === 'P-384' || size === 'P-521')) ||
    // The upper bound is the price of one verification, which the peer chooses.
    (type === 'RSA' && Number(size) >= 2048 && Number(size) <= 8192 && exponent === undefined);
  return strong ? undefined : { reason: 'weak-key', detail: `key ${keyAlgorithm}` };
}

/** X509-SVID sections 4.1, 4.3 and 4.4. */
function usageProblem({ basicConstraints, keyUsage, extendedKeyUsage }: Certificate): Broken | undefined {
  if (basicConstraints?.ca) return { reason: 'not-an-svid', detail: 'the leaf is a CA' };
  // RFC 5280 section 4.2.1.9: only a CA has a path length; whoever set one took this certificate for a CA.
  if (basicConstraints?.pathLength !== undefined) return notAnSvid('the leaf has a path length');
  if (keyUsage === undefined) return { reason: 'wrong-usage', detail: 'key usage is missing' };
  if (!keyUsage.critical) return { reason: 'wrong-usage', detail: 'key usage is not critical' };
  if ((keyUsage.bits & keyUsageBits.digitalSignature) === 0) {
    return { reason: 'wrong-usage', detail: 'key usage lacks digitalSignature' };
  }
  if ((keyUsage.bits & (keyUsageBits.keyCertSign | keyUsageBits.crlSign)) !== 0) {
    return { reason: 'wrong-usage', detail: 'key usage of the leaf has keyCertSign or cRLSign' };
  }
  return extendedUsageProblem(extendedKeyUsage);
}

/** Where the extension is present, a workload is a client and a server both; `any` is neither named. */
export function extendedUsageProblem(usages: Certificate['extendedKeyUsage']): Broken | undefined {
  if (usages === undefined || (usages.includes(oids.clientAuth) && usages.includes(oids.serverAuth))) return undefined;
  return { reason: 'wrong-usage', detail: 'extended key usage lacks clientAuth or serverAuth' };
}

/** RFC 5280 section 4.1.2.2: a positive number of at most 20 bytes; what revokes compares it. */
export function serialProblem({ serial }: Certificate): Broken | undefined {
  if (/^(?!0+$)[0-9A-F]{1,40}$/.test(serial)) return undefined;
  return { reason: 'malformed-certificate', detail: `serial number ${serial.slice(0, 50)}` };
}

/** X509-SVID section 2: one URI, read from the DER; printed SANs were forged in CVE-2021-44532. */
function identityOf({ subject, subjectAltNames, extensions, openssl }: Certificate): SpiffeId | Broken {
  const uris = subjectAltNames.filter(({ type }) => type === 'uri');
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) return notAnSvid(`${uris.length} URI SANs instead of one`);
  const critical = extensions.some((extension) => extension.oid === oids.subjectAltName && extension.critical);
  // X509-SVID section 3.1: without a subject the SAN is all there is.
  if (subject === '' && !critical) return notAnSvid('neither a subject nor a critical SAN');
  const strange = subjectAltNames.find(({ type, value }) => type === 'other' || (type !== 'uri' && !isPlain(value)));
  if (strange !== undefined) return notAnSvid(`a SAN of type ${strange.type} that is not plain text`);
  const id = spiffeIdOf(uri.value);
  if (isBroken(id)) return id;
  if (pathOf(id) === '') return notAnSvid(`${id} names a trust domain, not a workload`);
  // The characters of a SPIFFE ID need no quoting, so OpenSSL must print it as it is, and once.
  if (openssl.subjectAltName?.split(', ').filter((name) => name === `URI:${id}`).length !== 1) {
    return { reason: 'malformed-certificate', detail: 'two parsers read different SANs' };
  }
  return id;
}

function spiffeIdOf(text: string): SpiffeId | Broken {
  try {
    return parseSpiffeId(text);
  } catch (error) {
    if (error instanceof CertsError) return notAnSvid(error.message);
    throw error;
  }
}

/** Characters of host names, mail and IP addresses; NUL and newline forged names in CVE-2026-47778 and before. */
function isPlain(value: string): boolean {
  return /^[A-Za-z0-9.:*_@-]{1,255}$/.test(value);
}

function notAnSvid(detail: string): Broken {
  return { reason: 'not-an-svid', detail };
}
