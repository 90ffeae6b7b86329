import { KeyObject, randomBytes, webcrypto } from 'node:crypto';
import { type Certificate, certificateToPem, type Extension, keyUsageBits } from '../../certs/certificate.ts';
import type { SigningKey } from '../../certs/x509.ts';
import { signCertificate } from '../../certs/x509.ts';

/** A CA that signs anything. For tests only: the real one is `certs/local-ca`. */
export type Authority = { readonly certificate: Certificate; readonly key: SigningKey };

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'RSA-1024' | 'RSA-2048' | 'Ed25519';

export const hourMs = 3_600_000;

export async function makeKey(kind: KeyKind = 'P-256', hash: SigningKey['hash'] = 'SHA-256'): Promise<SigningKey> {
  const algorithm = kind.startsWith('RSA')
    ? {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        modulusLength: Number(kind.slice(4)),
        publicExponent: new Uint8Array([1, 0, 1]),
      }
    : kind === 'Ed25519'
      ? { name: kind }
      : { name: 'ECDSA', namedCurve: kind };
  const pair = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  return { privateKey: pair.privateKey, publicKey: pair.publicKey, hash };
}

export function keyToPem({ privateKey }: SigningKey): string {
  return KeyObject.from(privateKey).export({ format: 'pem', type: 'pkcs8' }).toString();
}

/** Positive, not zero, 16 bytes. */
export function newSerial(): string {
  return `4${randomBytes(16).toString('hex').slice(1)}`;
}

export type AuthorityOptions = {
  readonly name: string;
  readonly nowMs: number;
  readonly issuer?: Authority;
  readonly pathLength?: number;
  readonly lifetimeMs?: number;
  readonly ca?: boolean;
  readonly keyUsage?: number;
  readonly extensions?: readonly Extension[];
  readonly key?: SigningKey;
};

export async function makeAuthority(options: AuthorityOptions): Promise<Authority> {
  const { name, nowMs, issuer, pathLength } = options;
  const key = options.key ?? (await makeKey());
  const request = {
    serial: newSerial(),
    subject: `CN=${name}`,
    issuer: issuer?.certificate.subject ?? `CN=${name}`,
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + (options.lifetimeMs ?? 24 * hourMs),
    publicKey: key.publicKey,
    extensions: [
      {
        kind: 'basic-constraints',
        ca: options.ca ?? true,
        ...(pathLength === undefined ? {} : { pathLength }),
      },
      { kind: 'key-usage', bits: options.keyUsage ?? keyUsageBits.keyCertSign | keyUsageBits.crlSign },
      ...(options.extensions ?? []),
    ] as const,
  };
  return { certificate: await signCertificate(request, issuer?.key ?? key), key };
}

export function authorityPem({ certificate }: Authority): string {
  return certificateToPem(certificate);
}
