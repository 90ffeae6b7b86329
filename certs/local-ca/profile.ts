import { randomBytes, type webcrypto } from 'node:crypto';
import { type Certificate, type CertificateRequest, type Extension, keyUsageBits, oids } from '../certificate.ts';
import type { SpiffeId, TrustDomain } from '../spiffe-id.ts';
import { type SigningKey, signCertificate } from '../x509.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

export const maxSvidLifetimeMs = dayMs;
/** Half of it must suffice to renew, also on a machine that is busy. */
export const minSvidLifetimeMs = 10_000;
const rootLifetimeMs = 3652 * dayMs;
const intermediateLifetimeMs = 5 * 365 * dayMs;
/** Peers whose clock runs behind by this much still accept a fresh certificate. */
const backdateMs = minuteMs;

export type Signer = { readonly certificate: Certificate; readonly key: SigningKey };

export async function signRoot(trustDomain: TrustDomain, key: SigningKey, nowMs: number): Promise<Certificate> {
  // A random part in the name: two roots of one trust domain during a rollover must not be mistaken for each other.
  const name = `CN=Portcullis root CA ${randomBytes(4).toString('hex')}`;
  const request = authority(trustDomain, key, 1);
  const times = { notBeforeMs: nowMs - backdateMs, notAfterMs: nowMs + rootLifetimeMs };
  return signCertificate({ ...request, ...times, subject: name, issuer: name }, key);
}

export async function signIntermediate(
  trustDomain: TrustDomain,
  key: SigningKey,
  root: Signer,
  nowMs: number,
): Promise<Certificate> {
  const request = authority(trustDomain, key, 0);
  const subject = `CN=Portcullis issuing CA ${randomBytes(4).toString('hex')}`;
  const times = within(root.certificate, nowMs, intermediateLifetimeMs);
  return signCertificate({ ...request, ...times, subject, issuer: root.certificate.subject }, root.key);
}

export type LeafRequest = {
  readonly spiffeId: SpiffeId;
  readonly lifetimeMs: number;
  /** Host names for clients that verify one, such as curl; no rule of this project reads them. */
  readonly dnsNames?: readonly string[];
};

/** X509-SVID sections 2 to 4: one URI SAN, not a CA, digitalSignature alone, client and server. */
export async function signSvid(
  leaf: LeafRequest,
  publicKey: webcrypto.CryptoKey,
  issuer: Signer,
  nowMs: number,
): Promise<Certificate> {
  const request: CertificateRequest = {
    serial: newSerial(),
    subject: 'O=Portcullis',
    issuer: issuer.certificate.subject,
    ...within(issuer.certificate, nowMs, leaf.lifetimeMs),
    publicKey,
    extensions: [
      { kind: 'basic-constraints', ca: false },
      { kind: 'key-usage', bits: keyUsageBits.digitalSignature },
      { kind: 'extended-key-usage', oids: [oids.serverAuth, oids.clientAuth] },
      {
        kind: 'subject-alt-name',
        names: [
          { type: 'uri', value: leaf.spiffeId },
          ...(leaf.dnsNames ?? []).map((value) => ({ type: 'dns', value }) as const),
        ],
      },
    ],
  };
  return signCertificate(request, issuer.key);
}

function authority(trustDomain: TrustDomain, key: SigningKey, pathLength: number) {
  const extensions: Extension[] = [
    { kind: 'basic-constraints', ca: true, pathLength },
    { kind: 'key-usage', bits: keyUsageBits.keyCertSign | keyUsageBits.crlSign },
    // X509-SVID section 3.2: the ID of a signing certificate is that of its trust domain.
    { kind: 'subject-alt-name', names: [{ type: 'uri', value: `spiffe://${trustDomain}` }] },
  ];
  return { serial: newSerial(), publicKey: key.publicKey, extensions };
}

/** A certificate never begins before its issuer nor outlives it. */
function within(issuer: Certificate, nowMs: number, lifetimeMs: number) {
  return {
    notBeforeMs: Math.max(nowMs - backdateMs, issuer.notBeforeMs),
    notAfterMs: Math.min(nowMs + lifetimeMs, issuer.notAfterMs),
  };
}

/** RFC 5280 section 4.1.2.2: positive; the leading 4 keeps the sign bit clear and the length at 16 bytes. */
function newSerial(): string {
  return `4${randomBytes(16).toString('hex').slice(1)}`.toUpperCase();
}
