import type { SignatureAlgorithm } from './algorithms.ts';

/** A public key that can check signatures of one algorithm and of no other: the platform refuses to use it for another. */
export type SignatureKey = CryptoKey;

/** Loaded for who has issuers: it stays in the memory of each thread. */
const library = () => import('jose');

/** The members of a JWK that make the public key; nothing else of it reaches the library. */
export type PublicJwk = { readonly kty: string; readonly [member: string]: string };

/** Undefined for what is no key of this algorithm. */
export async function importKey(jwk: PublicJwk, algorithm: SignatureAlgorithm): Promise<SignatureKey | undefined> {
  try {
    const { importJWK } = await library();
    const key = await importJWK({ ...jwk }, algorithm);
    return key instanceof Uint8Array || key.type !== 'public' ? undefined : key;
  } catch {
    // The library and the platform throw errors of many kinds for a point off its curve, a missing member, wrong text.
    return undefined;
  }
}

/** RFC 7638: SHA-256 over the members that make the key, base64url; the same however a JWK has spelled them. */
export async function thumbprintOf(key: SignatureKey): Promise<string> {
  const { calculateJwkThumbprint } = await library();
  return calculateJwkThumbprint(key, 'sha256');
}

/** Whether this key made the signature of a token in the compact serialisation (RFC 7515 section 7.1). */
export async function isSignedBy(token: string, key: SignatureKey, algorithm: SignatureAlgorithm): Promise<boolean> {
  const { compactVerify, errors } = await library();
  try {
    await compactVerify(token, key, { algorithms: [algorithm] });
    return true;
  } catch (cause) {
    if (cause instanceof errors.JOSEError) return false;
    throw cause;
  }
}
