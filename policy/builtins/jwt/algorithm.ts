import { constants, createHmac, type KeyObject, sign, timingSafeEqual, verify } from 'node:crypto';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { checkSteps } from '../crypto/key-cost.ts';

type Family = 'hmac' | 'rsa' | 'rsa-pss' | 'ecdsa' | 'eddsa';

/** A JWS algorithm (RFC 7518 section 3.1); `hash` is what node:crypto calls it. */
export type Algorithm = {
  readonly family: Family;
  readonly hash: string | undefined;
  /** Of RSA-PSS: whether the salt may have another length than the hash has. */
  readonly allowsAnySalt?: boolean;
};

/** What node:crypto calls the keys of a family. */
const keyTypes = { hmac: 'secret', rsa: 'rsa', 'rsa-pss': 'rsa', ecdsa: 'ec', eddsa: 'ed25519' } as const;

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

/** RFC 7518 section 3.5 wants a salt as long as the hash. OPA insists in `decode_verify`, and not in `verify_ps256`. */
export const withAnySalt = (algorithm: Algorithm): Algorithm => ({ ...algorithm, allowsAnySalt: true });

/**
 * Whether the signature is by this key. A key of another family says no: an RSA key is never an HMAC secret, whatever
 * the token's header wants (RFC 8725 section 2.1).
 */
export function isSignedBy(
  context: BuiltinContext,
  algorithm: Algorithm,
  key: KeyObject,
  signed: Buffer,
  signature: Buffer,
): boolean {
  const { family, hash } = algorithm;
  if (key.type === 'secret') {
    return family === 'hmac' && hash !== undefined && equal(createHmac(hash, key).update(signed).digest(), signature);
  }
  const steps = checkSteps(key);
  if (steps === undefined || key.asymmetricKeyType !== keyTypes[family]) return false;
  context.charge(steps);
  return verify(hash, signed, { key, ...schemeOf(algorithm) }, signature);
}

type Scheme = { padding?: number; saltLength?: number; dsaEncoding?: 'ieee-p1363' };

function schemeOf({ family, allowsAnySalt = false }: Algorithm): Scheme {
  if (family === 'rsa') return { padding: constants.RSA_PKCS1_PADDING };
  if (family === 'rsa-pss') {
    const saltLength = allowsAnySalt ? constants.RSA_PSS_SALTLEN_AUTO : constants.RSA_PSS_SALTLEN_DIGEST;
    return { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength };
  }
  // RFC 7518 section 3.4: r and s side by side. The same signature in DER, or of another length, is none.
  return family === 'ecdsa' ? { dsaEncoding: 'ieee-p1363' } : {};
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
  if ((key.asymmetricKeyType ?? key.type) !== keyTypes[family])
    throw new BuiltinError(`the key is not one for ${name}`);
  if (family === 'hmac' && hash !== undefined) return createHmac(hash, key).update(bytes).digest();
  const { modulusLength = 1024 } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 1024) throw new BuiltinError('the key is too small');
  context.charge(Math.ceil((modulusLength / 1024) ** 3 * 700));
  return sign(hash, bytes, key);
}

function unknown(name: string): never {
  throw new BuiltinError(`unknown JWS algorithm: ${name}`);
}
