import { X509Certificate as NodeCertificate } from 'node:crypto';
import { type Certificate, oids, pemBlocks } from './certificate.ts';
import { type CertificateForm, checkCertificateForm } from './certificate-form.ts';
import {
  readBasicConstraints,
  readExtension,
  readExtendedKeyUsage,
  readKeyUsage,
  readSubjectAltNames,
} from './certificate-extensions.ts';
import { CertsError } from './errors.ts';
import { nameKey } from './name.ts';
import { signatureAlgorithmName } from './signature-algorithm.ts';

/** Throws CertsError `certificate-malformed`. */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    const openssl = new NodeCertificate(der);
    // Two parsers must not be shown different bytes: what OpenSSL would ignore behind the certificate is refused.
    if (openssl.raw.length !== der.length) throw new Error('there are bytes behind the certificate');
    return readCertificate(der, openssl, checkCertificateForm(der));
  } catch (cause) {
    throw new CertsError('certificate-malformed', `not a readable certificate: ${reason(cause)}`, { cause });
  }
}

/** Every certificate of a PEM text, in order. Throws CertsError `certificate-malformed`. */
export function parseCertificatesPem(pem: string): readonly Certificate[] {
  const blocks = pemBlocks(pem, 'CERTIFICATE');
  if (blocks === undefined) throw new CertsError('certificate-malformed', 'a certificate in PEM is damaged');
  return blocks.map(parseCertificate);
}

function readCertificate(der: Uint8Array, openssl: NodeCertificate, form: CertificateForm): Certificate {
  const extensions = form.extensions.map(readExtension);
  const inside = (wanted: string) => extensions.find(({ oid }) => oid === wanted);
  const keyUsage = inside(oids.keyUsage);
  const constraints = inside(oids.basicConstraints);
  const extendedKeyUsage = inside(oids.extendedKeyUsage);
  const altNames = inside(oids.subjectAltName);
  return {
    der,
    openssl,
    subject: rfc4514(openssl.subject),
    issuer: rfc4514(openssl.issuer),
    subjectDer: form.subjectDer,
    subjectName: nameKey(form.subjectDer),
    serial: openssl.serialNumber,
    fingerprintSha256: openssl.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs: finite(openssl.validFromDate.getTime()),
    notAfterMs: finite(openssl.validToDate.getTime()),
    subjectAltNames: altNames === undefined ? [] : readSubjectAltNames(altNames.value),
    basicConstraints: constraints && readBasicConstraints(constraints.value),
    keyUsage: keyUsage && { bits: readKeyUsage(keyUsage.value), critical: keyUsage.critical },
    extendedKeyUsage: extendedKeyUsage && readExtendedKeyUsage(extendedKeyUsage.value),
    extensions: extensions.map(({ oid, critical }) => ({ oid, critical })),
    signatureAlgorithm: signatureAlgorithmName(form.algorithm),
    keyAlgorithm: keyAlgorithm(openssl),
  };
}

const curveNames: Partial<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyAlgorithm(certificate: NodeCertificate): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  if (type === 'ec') return `EC ${curveNames[details?.namedCurve ?? ''] ?? details?.namedCurve}`;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength, publicExponent = 0n } = details ?? {};
    return `RSA ${modulusLength}${exponentText(publicExponent)}`;
  }
  return type === 'ed25519' ? 'Ed25519' : String(type);
}

/** Of an RSA key, in bits. Who chooses the key chooses what a check costs: with an exponent as long as the modulus, a signature. */
export const longestExponent = 33;

/**
 * FIPS 186-5 section A.1.1 wants more than 2^16; with exponent 1 anybody can sign. It allows up to 2^256, which nobody uses
 * and which only makes a check dear: BoringSSL takes no more than 33 bits either, Go no more than 31.
 */
function exponentText(exponent: bigint): string {
  if (exponent >> BigInt(longestExponent) > 0n) return ` with an exponent of more than ${longestExponent} bits`;
  return exponent > 0xffffn ? '' : ` with exponent ${exponent}`;
}

/** RFC 4514 wants the last RDN first; OpenSSL has escaped each and puts one on a line. */
function rfc4514(lines: string | undefined): string {
  const rdns = (lines ?? '').trimEnd().split('\n');
  return rdns
    .toReversed()
    .join(',')
    .replaceAll(/[^ -~]/gu, hexPairs);
}

function hexPairs(char: string): string {
  return Array.from(Buffer.from(char), (byte) => `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('');
}

function finite(timeMs: number): number {
  if (!Number.isFinite(timeMs)) throw new Error('its validity is not a time');
  return timeMs;
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
