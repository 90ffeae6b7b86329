import { constants, createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Value } from '../../../policy/value/value.ts';

export const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
export const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const ed = generateKeyPairSync('ed25519');

export const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }).toString();
export const jwk = (key: KeyObject, more: object = {}): string =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...more });

type Parts = { readonly header: object; readonly claims?: object | string };

const part = (value: object | string): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token whose signature `make` computes over the encoded header and payload. */
export function token({ header, claims = { sub: 'a' } }: Parts, make: (signed: Buffer) => Buffer): string {
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${make(Buffer.from(signed)).toString('base64url')}`;
}

export const byHmac =
  (secret: string, hash = 'sha256') =>
  (signed: Buffer): Buffer =>
    createHmac(hash, secret).update(signed).digest();

export const byRsa = (signed: Buffer): Buffer => sign('sha256', signed, rsa.privateKey);

export const byPss = (signed: Buffer): Buffer =>
  sign('sha256', signed, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 });

export const byEc = (signed: Buffer): Buffer =>
  sign('sha256', signed, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });

/** What `io.jwt.decode_verify` says of a token that is not verified. */
export const unverified: Value = [false, {}, {}];
