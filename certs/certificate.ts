import type { X509Certificate, webcrypto } from 'node:crypto';

/** A certificate as a plain value: what is written in it, judged by nobody yet. */
export type Certificate = {
  readonly der: Uint8Array;
  /** OpenSSL's view of the same bytes: signatures are checked with it, and both views of the identity must agree. */
  readonly openssl: X509Certificate;
  /** RFC 4514, printable ASCII only: other characters are hex pairs, so that no header or log line can be broken. */
  readonly subject: string;
  readonly issuer: string;
  readonly subjectDer: Uint8Array;
  /** The subject in a form to be compared, see `name.ts`. */
  readonly subjectName: string;
  /** Upper-case hexadecimal without leading zero bytes, as OpenSSL prints it. */
  readonly serial: string;
  readonly fingerprintSha256: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly subjectAltNames: readonly AltName[];
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | undefined } | undefined;
  readonly keyUsage: { readonly bits: number; readonly critical: boolean } | undefined;
  /** OIDs, or undefined when the extension is absent. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly extensions: readonly { readonly oid: string; readonly critical: boolean }[];
  /** Such as `ECDSA-SHA-256` or `RSASSA-PKCS1-v1_5-SHA-1`. */
  readonly signatureAlgorithm: string;
  /** Such as `EC P-256`, `RSA 2048` or `Ed25519`; an exponent of RSA is named where it is too small or too large. */
  readonly keyAlgorithm: string;
};

/** One entry of the SAN as the DER has it: each character of `value` is one byte, whatever it is. */
export type AltName = { readonly type: 'uri' | 'dns' | 'email' | 'ip' | 'other'; readonly value: string };

/** RFC 5280 section 4.2.1.3, as bits that can be joined with `|`. */
export const keyUsageBits = {
  digitalSignature: 1,
  nonRepudiation: 2,
  keyEncipherment: 4,
  dataEncipherment: 8,
  keyAgreement: 16,
  keyCertSign: 32,
  crlSign: 64,
} as const;

export const oids = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  anyExtendedKeyUsage: '2.5.29.37.0',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** An extension to be written into a certificate. */
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

/** RFC 5280 section 5.3.1 numbers are compared as text, so both sides need one spelling: OpenSSL's. */
export function normalSerial(hex: string): string {
  const digits = hex.replace(/^0+/, '').toUpperCase();
  return digits.length % 2 === 1 ? `0${digits}` : digits;
}

/**
 * The DER of every block with this label, in order; other text and blocks are passed over. Undefined when a block is
 * damaged: a CRL that is left out quietly would bring back what it revokes.
 */
export function pemBlocks(pem: string, label: string): readonly Uint8Array[] | undefined {
  const blocks = pem.match(new RegExp(`-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]*-----END ${label}-----`, 'g')) ?? [];
  if (pem.split(`-----BEGIN ${label}-----`).length - 1 !== blocks.length) return undefined;
  return blocks.map((block) => Buffer.from(block.replaceAll(/-----[A-Z0-9 ]+-----/g, ''), 'base64'));
}

/** RFC 7468; the label of a CRL is `X509 CRL`. */
export function derToPem(der: Uint8Array, label: string): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

export function certificateToPem(certificate: Certificate): string {
  return certificate.openssl.toString();
}
