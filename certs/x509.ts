// Decorators of the next package need this polyfill; version 2.2.0 throws at import when it is not there first.
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { AltName, Certificate, CertificateRequest, Extension } from './certificate.ts';
import { parseCertificate } from './parse-certificate.ts';

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
