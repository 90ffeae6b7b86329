import { integer } from '../../value/number.ts';
import type { PlainObject, Value } from '../../value/value.ts';
import type { Certificate } from './certificate.ts';
import type { Extension, Extensions } from './extensions.ts';
import { type AlternativeNames, ipText, urlValue } from './general-names.ts';
import { knownUsage } from './key-usage.ts';
import type { Subtrees } from './name-constraints.ts';
import { oidValue, orNull } from './name.ts';

/** Member by member what Go's x509.Certificate is in JSON: policies are written to these names. */
export function certificateValue(certificate: Certificate): PlainObject {
  const { facts } = certificate;
  return {
    Raw: base64(certificate.raw),
    RawTBSCertificate: base64(certificate.rawTbs),
    RawSubjectPublicKeyInfo: base64(certificate.rawPublicKey),
    RawSubject: base64(certificate.rawSubject),
    RawIssuer: base64(certificate.rawIssuer),
    Signature: base64(certificate.signature),
    SignatureAlgorithm: certificate.signatureAlgorithm?.number ?? 0,
    PublicKeyAlgorithm: certificate.publicKey.algorithm,
    PublicKey: certificate.publicKey.value,
    Version: certificate.version,
    SerialNumber: integer(certificate.serial),
    Issuer: certificate.issuer,
    Subject: certificate.subject,
    NotBefore: timeText(certificate.notBeforeMs),
    NotAfter: timeText(certificate.notAfterMs),
    Extensions: orNull(certificate.extensions.map(extensionValue)),
    ExtraExtensions: null,
    UnhandledCriticalExtensions: orNull(facts.unhandledCritical.map(oidValue)),
    ...usageValues(facts),
    ...namesValue(facts.names),
    ...nameConstraintsValue(facts),
    ...policyValues(facts),
    SubjectKeyId: base64(facts.subjectKeyId),
    AuthorityKeyId: base64(facts.authorityKeyId),
    OCSPServer: orNull(facts.ocspServers),
    IssuingCertificateURL: orNull(facts.issuerUrls),
    CRLDistributionPoints: orNull(facts.crlUrls),
  };
}

/** With the member that OPA adds. */
export const extendedValue = (certificate: Certificate): PlainObject => ({
  ...certificateValue(certificate),
  // Go reads and writes them, and the scheme comes back in lower case.
  URIStrings: orNull(
    (certificate.facts.names?.uris ?? []).map((uri) => uri.replace(/^[^:/?#]+:/, (s) => s.toLowerCase())),
  ),
});

const base64 = (bytes: Buffer | undefined): string | null => bytes?.toString('base64') ?? null;

/** RFC 3339, without fractions. */
const timeText = (timeMs: number): string => new Date(timeMs).toISOString().replace('.000Z', 'Z');

export const extensionValue = ({ id, isCritical, value }: Extension): PlainObject => ({
  Id: oidValue(id),
  Critical: isCritical,
  Value: value.toString('base64'),
});

export const namesValue = (names: AlternativeNames | undefined): PlainObject => ({
  DNSNames: orNull(names?.dns ?? []),
  EmailAddresses: orNull(names?.emails ?? []),
  IPAddresses: orNull((names?.ips ?? []).map(ipText)),
  URIs: orNull((names?.uris ?? []).map(urlValue)),
});

function usageValues({ keyUsage, basicConstraints, extendedKeyUsages }: Extensions): PlainObject {
  const known = extendedKeyUsages.flatMap((oid) => knownUsage(oid) ?? []);
  // What is absent is -1 in a certificate that has the extension, and 0 in one that has not.
  const maxPathLength = basicConstraints === undefined ? 0 : (basicConstraints.maxPathLength ?? -1);
  return {
    KeyUsage: keyUsage ?? 0,
    BasicConstraintsValid: basicConstraints !== undefined,
    IsCA: basicConstraints?.isCa ?? false,
    MaxPathLen: maxPathLength,
    MaxPathLenZero: basicConstraints?.maxPathLength === 0,
    ExtKeyUsage: orNull(known),
    UnknownExtKeyUsage: orNull(extendedKeyUsages.filter((oid) => knownUsage(oid) === undefined).map(oidValue)),
  };
}

function nameConstraintsValue({ nameConstraints }: Extensions): PlainObject {
  return {
    PermittedDNSDomainsCritical: nameConstraints?.isCritical ?? false,
    ...subtreesValue('Permitted', nameConstraints?.permitted),
    ...subtreesValue('Excluded', nameConstraints?.excluded),
  };
}

function subtreesValue(prefix: string, subtrees: Subtrees | undefined): PlainObject {
  const ranges = (subtrees?.ips ?? []).map(({ ip, mask }) => ({ IP: ipText(ip), Mask: mask.toString('base64') }));
  return {
    [`${prefix}DNSDomains`]: orNull(subtrees?.dns ?? []),
    [`${prefix}IPRanges`]: orNull(ranges),
    [`${prefix}EmailAddresses`]: orNull(subtrees?.emails ?? []),
    [`${prefix}URIDomains`]: orNull(subtrees?.uris ?? []),
  };
}

function policyValues(facts: Extensions): PlainObject {
  const { policies, policyMappings, requireExplicitPolicy, inhibitPolicyMapping, inhibitAnyPolicy } = facts;
  return {
    PolicyIdentifiers: policies?.map(oidValue) ?? null,
    Policies: policies ?? null,
    PolicyMappings: orNull(
      policyMappings.map(([issuer, subject]): Value => ({ IssuerDomainPolicy: issuer, SubjectDomainPolicy: subject })),
    ),
    InhibitAnyPolicy: inhibitAnyPolicy ?? 0,
    InhibitAnyPolicyZero: inhibitAnyPolicy === 0,
    InhibitPolicyMapping: inhibitPolicyMapping ?? 0,
    InhibitPolicyMappingZero: inhibitPolicyMapping === 0,
    RequireExplicitPolicy: requireExplicitPolicy ?? 0,
    RequireExplicitPolicyZero: requireExplicitPolicy === 0,
  };
}
