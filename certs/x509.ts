// Decorators of the next package need this polyfill; version 2.2.0 throws at import when it is not there first.
import 'reflect-metadata';
import { X509Certificate as NodeCertificate, type webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import { type AltName, type Certificate, type CertificateRequest, type Extension, pemBlocks } from './certificate.ts';
import { checkCertificateForm } from './certificate-form.ts';
import { CertsError } from './errors.ts';
import { nameKey } from './name.ts';

/** Throws CertsError `certificate-malformed`. */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    const openssl = new NodeCertificate(der);
    // Two parsers must not be shown different bytes: what OpenSSL would ignore behind the certificate is refused.
    if (openssl.raw.length !== der.length) throw new Error('there are bytes behind the certificate');
    const subjectDer = checkCertificateForm(der);
    return {
      ...readCertificate(der, openssl, new x509.X509Certificate(der)),
      subjectDer,
      subjectName: nameKey(subjectDer),
    };
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

function readCertificate(
  der: Uint8Array,
  openssl: NodeCertificate,
  read: x509.X509Certificate,
): Omit<Certificate, 'subjectDer' | 'subjectName'> {
  const extensions = read.extensions;
  const constraints = extensionOf(extensions, x509.BasicConstraintsExtension);
  const keyUsage = extensionOf(extensions, x509.KeyUsagesExtension);
  return {
    der,
    openssl,
    subject: rfc4514(openssl.subject),
    issuer: rfc4514(openssl.issuer),
    serial: openssl.serialNumber,
    fingerprintSha256: openssl.fingerprint256.replaceAll(':', '').toLowerCase(),
    notBeforeMs: finite(read.notBefore.getTime()),
    notAfterMs: finite(read.notAfter.getTime()),
    subjectAltNames: altNames(extensionOf(extensions, x509.SubjectAlternativeNameExtension)),
    basicConstraints: constraints && { ca: constraints.ca, pathLength: constraints.pathLength },
    keyUsage: keyUsage && { bits: keyUsage.usages, critical: keyUsage.critical },
    extendedKeyUsage: extensionOf(extensions, x509.ExtendedKeyUsageExtension)?.usages.map(String),
    extensions: extensions.map(({ type, critical }) => ({ oid: type, critical })),
    signatureAlgorithm: algorithmName(read.signatureAlgorithm),
    keyAlgorithm: keyAlgorithm(openssl),
  };
}

/** The first of its kind; the rules refuse certificates that repeat an extension. */
function extensionOf<T extends x509.Extension>(
  extensions: readonly x509.Extension[],
  type: new (raw: ArrayBuffer) => T,
): T | undefined {
  return extensions.find((extension): extension is T => extension instanceof type);
}

const altNameTypes: Partial<Record<string, AltName['type']>> = { url: 'uri', dns: 'dns', email: 'email', ip: 'ip' };

function altNames(extension: x509.SubjectAlternativeNameExtension | undefined): readonly AltName[] {
  const items = extension?.names.items ?? [];
  return items.map(({ type, value }) => ({ type: altNameTypes[type] ?? 'other', value }));
}

/** The package types its algorithms with names of the DOM library, which this project does not load. */
function algorithmName(algorithm: object): string {
  const { name, hash } = algorithm as { readonly name: string; readonly hash?: { readonly name: string } };
  return hash === undefined ? name : `${name}-${hash.name}`;
}

const curveNames: Partial<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' };

function keyAlgorithm(certificate: NodeCertificate): string {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
  if (type === 'ec') return `EC ${curveNames[details?.namedCurve ?? ''] ?? details?.namedCurve}`;
  if (type === 'rsa' || type === 'rsa-pss') {
    const { modulusLength, publicExponent = 0n } = details ?? {};
    // FIPS 186-5 section A.1.1; with exponent 1 anybody can sign.
    const fair = publicExponent > 0xffffn && publicExponent < 1n << 256n;
    return `RSA ${modulusLength}${fair ? '' : ` with exponent ${publicExponent}`}`;
  }
  return type === 'ed25519' ? 'Ed25519' : String(type);
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

export type SigningKey = {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
  readonly hash: 'SHA-1' | 'SHA-256' | 'SHA-384';
};

/** Signs what it is told to sign, good or bad, and adds the key identifiers of RFC 5280 sections 4.2.1.1 and 4.2.1.2. */
export async function signCertificate(request: CertificateRequest, signer: SigningKey): Promise<Certificate> {
  const signed = await x509.X509CertificateGenerator.create({
    serialNumber: request.serial,
    subject: request.subject,
    issuer: request.issuer,
    notBefore: new Date(request.notBeforeMs),
    notAfter: new Date(request.notAfterMs),
    publicKey: request.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: signingAlgorithm(signer),
    extensions: [
      ...request.extensions.map(toExtension),
      await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
  return parseCertificate(new Uint8Array(signed.rawData));
}

function signingAlgorithm({ privateKey, hash }: SigningKey) {
  return { name: privateKey.algorithm.name, hash };
}

function toExtension(extension: Extension): x509.Extension {
  switch (extension.kind) {
    case 'basic-constraints':
      return new x509.BasicConstraintsExtension(extension.ca, extension.pathLength, true);
    case 'key-usage':
      return new x509.KeyUsagesExtension(extension.bits, extension.critical ?? true);
    case 'extended-key-usage':
      return new x509.ExtendedKeyUsageExtension([...extension.oids]);
    case 'subject-alt-name':
      return new x509.SubjectAlternativeNameExtension(extension.names.map(toGeneralName), extension.critical);
    case 'other':
      return new x509.Extension(extension.oid, extension.critical, extension.der);
  }
}

const generalNameTypes = { uri: 'url', dns: 'dns', email: 'email', ip: 'ip', other: 'upn' } as const;

function toGeneralName({ type, value }: AltName): x509.JsonGeneralNames[number] {
  return { type: generalNameTypes[type], value };
}

/** The whole extension, in DER (RFC 5280 section 4.2.1.1). */
export async function authorityKeyIdentifier(publicKey: webcrypto.CryptoKey): Promise<Uint8Array> {
  return new Uint8Array((await x509.AuthorityKeyIdentifierExtension.create(publicKey)).rawData);
}
