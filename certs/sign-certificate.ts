import type { webcrypto } from 'node:crypto';
import type { Certificate } from './certificate.ts';
import { explicit, integer, sequence, time } from './encode-der.ts';
import { authorityKeyIdentifier, encodeExtension, type Extension, subjectKeyIdentifier } from './encode-extension.ts';
import { parseCertificate } from './parse-certificate.ts';
import { keyIdentifier, publicKeyDer, signDer, type SigningKey } from './signing-key.ts';

export type CertificateRequest = {
  /** Hexadecimal, in whole bytes. */
  readonly serial: string;
  readonly subject: Uint8Array;
  /** To the byte as in the issuer's own certificate: paths are built by comparing them. */
  readonly issuer: Uint8Array;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly publicKey: webcrypto.CryptoKey;
  readonly extensions: readonly Extension[];
};

const version3 = Buffer.from([2]);

/** RFC 5280 section 4.1, with the key identifiers of sections 4.2.1.1 and 4.2.1.2. Read again by the rules for what others sign. */
export async function signCertificate(request: CertificateRequest, signer: SigningKey): Promise<Certificate> {
  const { serial, subject, issuer, notBeforeMs, notAfterMs, publicKey } = request;
  const extensions = [
    ...request.extensions.map(encodeExtension),
    subjectKeyIdentifier(keyIdentifier(publicKey)),
    authorityKeyIdentifier(keyIdentifier(signer.publicKey)),
  ];
  const der = await signDer(signer, (algorithm) =>
    sequence(
      explicit(0, integer(version3)),
      integer(Buffer.from(serial, 'hex')),
      algorithm,
      issuer,
      sequence(time(notBeforeMs), time(notAfterMs)),
      subject,
      publicKeyDer(publicKey),
      explicit(3, sequence(...extensions)),
    ),
  );
  return parseCertificate(der);
}
