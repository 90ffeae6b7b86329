// Decorators of the next package need this polyfill; version 2.2.0 throws at import when it is not there first.
import 'reflect-metadata';
import type { webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { AltName, Certificate } from '../../certs/certificate.ts';
import { parseCertificate } from '../../certs/parse-certificate.ts';
import type { SigningKey } from '../../certs/signing-key.ts';

/** An extension to be written into a certificate, as good or bad as the test wants it. */
export type Extension =
  | { readonly kind: 'basic-constraints'; readonly ca: boolean; readonly pathLength?: number }
  | { readonly kind: 'key-usage'; readonly bits: number; readonly critical?: boolean }
  | { readonly kind: 'extended-key-usage'; readonly oids: readonly string[] }
  | { readonly kind: 'subject-alt-name'; readonly names: readonly AltName[]; readonly critical?: boolean }
  | { readonly kind: 'other'; readonly oid: string; readonly critical: boolean; readonly der: Uint8Array };

export type CertificateRequest = {
  readonly serial: string;
  readonly subject: string;
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: webcrypto.CryptoKey;
  readonly extensions: readonly Extension[];
};

export type Hash = SigningKey['hash'] | 'SHA-1';

type Signer = Omit<SigningKey, 'hash'> & { readonly hash: Hash };

/** Signs what it is told to sign, by a kept library: the product's own writer (`certs/sign-certificate.ts`) can only write what is good. */
export async function signCertificate(request: CertificateRequest, signer: Signer): Promise<Certificate> {
  const signed = await x509.X509CertificateGenerator.create({
    serialNumber: request.serial,
    subject: request.subject,
    issuer: request.issuer,
    notBefore: new Date(request.notBeforeMs),
    notAfter: new Date(request.notAfterMs),
    publicKey: request.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm: { name: signer.privateKey.algorithm.name, hash: signer.hash },
    extensions: [
      ...request.extensions.map(toExtension),
      await x509.SubjectKeyIdentifierExtension.create(request.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
  return parseCertificate(new Uint8Array(signed.rawData));
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
