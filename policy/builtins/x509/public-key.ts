import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { integer } from '../../value/number.ts';
import type { NumberValue, Value } from '../../value/value.ts';
import { BuiltinError } from '../builtin.ts';
import { ed25519 } from './algorithm.ts';
import { bitsOf, type Der, oidOf, tags, wanted } from './der.ts';

const rsa = '1.2.840.113549.1.1.1';

/** Numbers are Go's x509.PublicKeyAlgorithm. */
const algorithms = new Map([
  [rsa, 1],
  ['1.2.840.10045.2.1', 3],
  [ed25519, 4],
]);

/** Go parses these too; nobody signs with them any more, so that there is no value for them here. */
const unsupported = new Set(['1.2.840.10040.4.1', '1.3.101.110']);

export type PublicKey = {
  readonly algorithm: number;
  /** As Go writes it in JSON; null when the algorithm is unknown. */
  readonly value: Value;
  readonly key: KeyObject | undefined;
};

/** Of a SubjectPublicKeyInfo. Throws BuiltinError. */
export function publicKeyOf(info: Der): PublicKey {
  const [identifier, encoded] = wanted(info, tags.sequence, 'public key').children;
  const [type, parameters] = wanted(identifier, tags.sequence, 'public key').children;
  const oid = oidOf(type, 'public key');
  if (unsupported.has(oid)) throw new BuiltinError('unsupported public key algorithm');
  const algorithm = algorithms.get(oid);
  if (algorithm === undefined) return { algorithm: 0, value: null, key: undefined };
  if (!isCanonical(oid, parameters, bitsOf(encoded, 'public key').bytes))
    throw new BuiltinError('malformed public key');
  const key = keyOf(info.raw);
  return { algorithm, value: publicKeyValue(key), key };
}

/** One key has one encoding (RFC 3279 section 2.3.1, RFC 8410 section 3, a point uncompressed): chains compare the bytes. */
function isCanonical(oid: string, parameters: Der | undefined, encoded: Buffer): boolean {
  if (oid === rsa) return parameters?.tag === tags.null && parameters.content.length === 0;
  return oid === ed25519 ? parameters === undefined : encoded[0] === 4;
}

function keyOf(info: Buffer): KeyObject {
  try {
    return createPublicKey({ key: info, format: 'der', type: 'spki' });
  } catch (cause) {
    throw new BuiltinError('malformed public key', { cause });
  }
}

const curves = new Set(['P-256', 'P-384', 'P-521']);

/** As Go writes rsa.PublicKey, ecdsa.PublicKey and ed25519.PublicKey in JSON. */
export function publicKeyValue(key: KeyObject): Value {
  const { kty, crv = '', n = '', e = '', x = '', y = '' } = jwkOf(key);
  if (kty === 'RSA') return { N: unsignedOf(n), E: unsignedOf(e) };
  if (kty === 'EC' && curves.has(crv)) return { Curve: {}, X: unsignedOf(x), Y: unsignedOf(y) };
  if (crv === 'Ed25519') return Buffer.from(x, 'base64url').toString('base64');
  throw new BuiltinError('unsupported public key');
}

/** Throws BuiltinError for a key that JWK has no name for, such as one of an unusual curve. */
export function jwkOf(key: KeyObject): webcrypto.JsonWebKey {
  try {
    return key.export({ format: 'jwk' });
  } catch (cause) {
    throw new BuiltinError('unsupported key', { cause });
  }
}

/** The number of a member of a JWK. */
export const unsignedOf = (base64Url: string): NumberValue =>
  integer(BigInt(`0x0${Buffer.from(base64Url, 'base64url').toString('hex')}`));
