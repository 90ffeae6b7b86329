import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { PlainObject, Value } from '../../value/value.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import type { PemBlock } from '../crypto/pem.ts';
import { jwkOf, publicKeyValue, unsignedOf } from './public-key.ts';

const formats: ReadonlyMap<string, 'pkcs1' | 'pkcs8' | 'sec1'> = new Map([
  ['RSA PRIVATE KEY', 'pkcs1'],
  ['PRIVATE KEY', 'pkcs8'],
  ['EC PRIVATE KEY', 'sec1'],
]);

/** What reading one costs. */
const keySteps = 2000;

/** Undefined for a block of another kind, which Go skips. Throws BuiltinError for a key that is malformed. */
export function privateKeyOf(context: BuiltinContext, { label, bytes }: PemBlock): KeyObject | undefined {
  const type = formats.get(label);
  if (type === undefined) return undefined;
  context.charge(keySteps + Math.ceil(bytes.length / 8));
  try {
    return createPrivateKey({ key: bytes, format: 'der', type });
  } catch (cause) {
    throw new BuiltinError('malformed private key', { cause });
  }
}

/** As Go writes rsa.PrivateKey, ecdsa.PrivateKey and ed25519.PrivateKey in JSON. */
export function privateKeyValue(key: KeyObject): Value {
  const jwk = jwkOf(key);
  const publicPart = publicKeyValue(key);
  const { d = '', x = '' } = jwk;
  // A seed, and the public key behind it.
  if (jwk.kty === 'OKP')
    return Buffer.concat([Buffer.from(d, 'base64url'), Buffer.from(x, 'base64url')]).toString('base64');
  const secret = { ...(publicPart as PlainObject), D: unsignedOf(d) };
  if (jwk.kty !== 'RSA') return secret;
  const { p = '', q = '', dp = '', dq = '', qi = '' } = jwk;
  return {
    ...secret,
    Primes: [unsignedOf(p), unsignedOf(q)],
    Precomputed: { Dp: unsignedOf(dp), Dq: unsignedOf(dq), Qinv: unsignedOf(qi), CRTValues: [] },
  };
}

/** As a JWK (RFC 7518 section 6). */
export function jwkValue(key: KeyObject): Value {
  publicKeyValue(key);
  return Object.fromEntries(
    Object.entries(jwkOf(key)).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
