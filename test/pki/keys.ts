import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { type Keys, type Scheme, schemes } from './raw-certificate.ts';

export type KeyName =
  | 'P-256'
  | 'P-384'
  | 'P-521'
  | 'P-224'
  | 'P-192'
  | 'secp256k1'
  | 'P-256 with explicit parameters'
  | 'Ed25519'
  | 'Ed448'
  | 'RSA-1024'
  | 'RSA-2048'
  | 'RSA-4096'
  | 'RSA-2048 with exponent 3'
  | 'RSA-PSS-2048';

const made = new Map<string, Keys>();

/** Each kind is generated once in a process: what these keys say is never who somebody is. */
export function keysOf(kind: KeyName, copy = 0): Keys {
  const known = made.get(`${kind} ${copy}`) ?? withScheme(generate(kind));
  made.set(`${kind} ${copy}`, known);
  return known;
}

/** Of a private key that exists already. */
export function withScheme(privateKey: KeyObject): Keys {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return { privateKey, spki, scheme: schemeOf(privateKey) };
}

const curves: Partial<Record<KeyName, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  'P-224': 'secp224r1',
  'P-192': 'prime192v1',
  secp256k1: 'secp256k1',
};

function generate(kind: KeyName): KeyObject {
  const namedCurve = curves[kind];
  if (namedCurve !== undefined) return generateKeyPairSync('ec', { namedCurve }).privateKey;
  if (kind === 'P-256 with explicit parameters') {
    return generateKeyPairSync('ec', { namedCurve: 'prime256v1', paramEncoding: 'explicit' }).privateKey;
  }
  if (kind === 'Ed25519') return generateKeyPairSync('ed25519').privateKey;
  if (kind === 'Ed448') return generateKeyPairSync('ed448').privateKey;
  const modulusLength = Number(/\d{4}/.exec(kind)?.[0]);
  if (kind.startsWith('RSA-PSS')) return generateKeyPairSync('rsa-pss', { modulusLength }).privateKey;
  const publicExponent = kind.endsWith('exponent 3') ? 3 : 0x10001;
  return generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey;
}

function schemeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): Scheme {
  if (asymmetricKeyType === 'ed25519') return schemes.ed25519;
  if (asymmetricKeyType === 'rsa') return schemes.rsaSha256;
  if (asymmetricKeyType === 'rsa-pss') return schemes.rsaPssSha256;
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? schemes.ecdsaSha384 : schemes.ecdsaSha256;
}
