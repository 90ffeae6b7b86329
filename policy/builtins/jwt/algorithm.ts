import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';

type Family = 'hmac' | 'rsa' | 'rsa-pss' | 'ecdsa' | 'eddsa';

/** A JWS algorithm (RFC 7518 section 3.1); `hash` is what node:crypto calls it. */
export type Algorithm = { readonly family: Family; readonly hash: string | undefined };

const hashes = { 256: 'sha256', 384: 'sha384', 512: 'sha512' } as const;

/** `none` is not among them: what is not signed is not verified. */
export const algorithms: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ...(['hmac', 'rsa', 'rsa-pss', 'ecdsa'] as const).flatMap((family, index) =>
    Object.entries(hashes).map(
      ([size, hash]) => [`${['HS', 'RS', 'PS', 'ES'][index]}${size}`, { family, hash }] as const,
    ),
  ),
  ['EdDSA', { family: 'eddsa', hash: undefined }],
]);

/** Steps for one signature check, by what was measured. */
const curves: ReadonlyMap<string | undefined, number> = new Map([
  ['prime256v1', 1500],
  ['secp384r1', 6000],
  ['secp521r1', 9000],
]);
const eddsaSteps = 2000;

/**
 * Whether the signature is by this key. A key of another family says no: an RSA key is never an HMAC secret, whatever
 * the token's header wants (RFC 8725 section 2.1).
 */
export function isSignedBy(
  context: BuiltinContext,
  { family, hash }: Algorithm,
  key: KeyObject,
  signed: Buffer,
  signature: Buffer,
): boolean {
  if (key.type === 'secret') {
    return family === 'hmac' && hash !== undefined && equal(createHmac(hash, key).update(signed).digest(), signature);
  }
  const steps = checkSteps(family, key);
  if (steps === undefined) return false;
  context.charge(steps);
  return verify(hash, signed, { key, ...schemeOf(family) }, signature);
}

function schemeOf(family: Family): { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' } {
  if (family === 'rsa') return { padding: constants.RSA_PKCS1_PADDING };
  if (family === 'rsa-pss')
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO };
  // RFC 7518 section 3.4: r and s side by side. The same signature in DER, or of another length, is none.
  return family === 'ecdsa' ? { dsaEncoding: 'ieee-p1363' } : {};
}

/** Undefined for a key that this family does not use, or that is too small to trust or too large to afford. */
function checkSteps(family: Family, key: KeyObject): number | undefined {
  const { modulusLength = 0, publicExponent = 0n, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (family === 'ecdsa') return key.asymmetricKeyType === 'ec' ? curves.get(namedCurve) : undefined;
  if (family === 'eddsa') return key.asymmetricKeyType === 'ed25519' ? eddsaSteps : undefined;
  if (family === 'hmac' || key.asymmetricKeyType !== 'rsa') return undefined;
  // Go's own bounds: a modulus of 1,024 bits at least, an exponent of 31 at most (it decides what a check costs).
  if (modulusLength < 1024 || modulusLength > 16_384 || publicExponent >= 2n ** 31n) return undefined;
  return Math.ceil((modulusLength / 1024) ** 2 * 120);
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/**
 * Signs with the algorithms whose signature is a function of the key and the bytes. Throws BuiltinError for PS* and ES*,
 * which draw a random number for each signature: a decision could not be repeated from its record, and two engines
 * would not agree about it.
 */
export function signatureOf(context: BuiltinContext, name: string, key: KeyObject, bytes: Buffer): Buffer {
  const { family, hash } = algorithms.get(name) ?? unknown(name);
  if (family === 'ecdsa' || family === 'rsa-pss') {
    throw new BuiltinError(`signing with ${name} is refused: each signature is another, by chance`);
  }
  const fits = { hmac: 'secret', rsa: 'rsa', eddsa: 'ed25519' }[family];
  if ((key.asymmetricKeyType ?? key.type) !== fits) throw new BuiltinError(`the key is not one for ${name}`);
  if (family === 'hmac' && hash !== undefined) return createHmac(hash, key).update(bytes).digest();
  const { modulusLength = 1024 } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 1024) throw new BuiltinError('the key is too small');
  context.charge(Math.ceil((modulusLength / 1024) ** 3 * 700));
  return sign(hash, bytes, key);
}

function unknown(name: string): never {
  throw new BuiltinError(`unknown JWS algorithm: ${name}`);
}
