import { createSecretKey, type KeyObject } from 'node:crypto';
import { bytesOf } from '../../value/bytes.ts';

const publicPem = /^-----BEGIN (?:CERTIFICATE|(?:RSA )?PUBLIC KEY)-----/m;
const publicJwk = /^\s*\{[^]*"kty"\s*:\s*"(?:RSA|EC|OKP)"/;

/**
 * The HMAC key that a policy names; undefined for a public key. OPA would take its text for a secret, and everybody who
 * has that text could sign (CVE-2015-9235, CVE-2026-34950).
 */
export function secretOf(text: string): KeyObject | undefined {
  return publicPem.test(text) || publicJwk.test(text) ? undefined : createSecretKey(bytesOf(text));
}
