import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type KeyObject,
  type webcrypto,
  X509Certificate,
} from 'node:crypto';
import { member } from '../../value/object.ts';
import { readJson } from '../../value/read-json.ts';
import { ValueTextError } from '../../value/read-text.ts';
import { isArray, isObject, type ObjectValue, type Value } from '../../value/value.ts';
import { bytesOfBase64Url } from '../encoding/base64.ts';
import { type BuiltinContext, BuiltinError } from '../builtin.ts';
import { pemBlocks } from '../crypto/pem.ts';
import { algorithms } from './algorithm.ts';
import { textMember } from './text-member.ts';

/** A key that a policy trusts; `kid` and `alg` are empty where it says nothing about them. */
export type VerificationKey = {
  readonly key: KeyObject;
  readonly kid: string;
  readonly alg: string;
  readonly isPrivate: boolean;
};

/** As many as OPA takes. */
const maxKeys = 1000;
/** What reading one key costs. */
const keySteps = 1000;

type KeyReading = { readonly steps: number; readonly keys: readonly VerificationKey[] };

/** A policy checks many tokens with few keys. It is pure, so what is remembered cannot be out of date. */
const remembered = new Map<string, KeyReading>();
const maxRemembered = 100;
const maxRememberedChars = 65_536;

/**
 * The keys of a certificate or public key in PEM, or of a JWK or JWK set in JSON. Throws BuiltinError for all of them
 * when one cannot be read. Keys for algorithms that are not for signatures are left out.
 */
export function readVerificationKeys(context: BuiltinContext, text: string): readonly VerificationKey[] {
  const known = remembered.get(text);
  if (known !== undefined) {
    // The same price: what a decision costs must not depend on the one before it.
    context.charge(known.steps);
    return known.keys;
  }
  const reading = readKeys(context, text);
  if (text.length <= maxRememberedChars) {
    const [oldest] = remembered.size < maxRemembered ? [] : remembered.keys();
    if (oldest !== undefined) remembered.delete(oldest);
    remembered.set(text, reading);
  }
  return reading.keys;
}

function readKeys(context: BuiltinContext, text: string): KeyReading {
  const [block] = pemBlocks(text);
  if (block !== undefined) {
    context.charge(keySteps);
    if (block.end < text.length) throw new BuiltinError('extra data after a PEM certificate block');
    const key = { key: keyOfPem(block.label, block.bytes), kid: '', alg: '', isPrivate: false };
    return { steps: keySteps, keys: [key] };
  }
  const jwks = jwksOf(readJwkText(text));
  const steps = jwks.length * keySteps;
  context.charge(steps);
  return { steps, keys: jwks.map(verificationKey).filter(({ alg }) => alg === '' || algorithms.has(alg)) };
}

/** The key to sign with: the first one. */
export function readSigningKey(context: BuiltinContext, jwkOrSet: Value): KeyObject {
  const [jwk] = jwksOf(jwkOrSet);
  if (jwk === undefined) throw new BuiltinError('no keys found in JWK set');
  context.charge(keySteps);
  return made(() =>
    text(jwk, 'kty') === 'oct' ? secretKey(jwk) : createPrivateKey({ key: webKey(jwk), format: 'jwk' }),
  );
}

export function readJwkText(json: string): Value {
  try {
    return readJson(json);
  } catch (cause) {
    if (cause instanceof ValueTextError) throw new BuiltinError('failed to parse a JWK key (set)', { cause });
    throw cause;
  }
}

function jwksOf(value: Value): readonly ObjectValue[] {
  if (!isObject(value)) throw new BuiltinError('a JWK or JWK set must be an object');
  const keys = member(value, 'keys');
  if (keys === undefined) return [value];
  if (!isArray(keys) || !keys.every(isObject)) throw new BuiltinError('the keys of a JWK set must be objects');
  if (keys.length > maxKeys) throw new BuiltinError(`too many keys in a JWK set: max ${maxKeys}`);
  return keys;
}

function verificationKey(jwk: ObjectValue): VerificationKey {
  return {
    key: made(() =>
      text(jwk, 'kty') === 'oct' ? secretKey(jwk) : createPublicKey({ key: webKey(jwk), format: 'jwk' }),
    ),
    kid: text(jwk, 'kid'),
    alg: text(jwk, 'alg'),
    isPrivate: member(jwk, 'd') !== undefined,
  };
}

function keyOfPem(label: string, bytes: Buffer): KeyObject {
  if (label === 'CERTIFICATE') return made(() => new X509Certificate(bytes).publicKey);
  if (label === 'PUBLIC KEY') return made(() => createPublicKey({ key: bytes, format: 'der', type: 'spki' }));
  throw new BuiltinError('no certificate and no public key in the PEM block');
}

function secretKey(jwk: ObjectValue): KeyObject {
  const bytes = bytesOfBase64Url(text(jwk, 'k'));
  if (bytes.length === 0) throw new BuiltinError('a secret key without bytes');
  return createSecretKey(bytes);
}

/** RFC 7518 section 6 and RFC 8037. */
const webKeyMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

function webKey(jwk: ObjectValue): webcrypto.JsonWebKey {
  return Object.fromEntries(
    webKeyMembers.filter((name) => member(jwk, name) !== undefined).map((name) => [name, text(jwk, name)]),
  );
}

const text = (jwk: ObjectValue, name: string): string => textMember(jwk, name, ' of a JWK');

/** node:crypto throws errors of many kinds for what is no key. */
function made(key: () => KeyObject): KeyObject {
  try {
    return key();
  } catch (cause) {
    if (cause instanceof BuiltinError) throw cause;
    throw new BuiltinError('failed to parse a key', { cause });
  }
}
