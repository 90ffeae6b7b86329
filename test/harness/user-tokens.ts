import { constants, createHmac, generateKeyPairSync, type KeyObject, sign, type webcrypto } from 'node:crypto';

/** An issuer of tokens that shares no code with the one who verifies them. */
export type TokenKey = {
  readonly kid: string | undefined;
  readonly alg: string;
  readonly privateKey: KeyObject;
  /** As a JWK set has it. */
  readonly jwk: webcrypto.JsonWebKey;
};

type Type = 'P-256' | 'P-384' | 'P-521' | 'ed25519' | 'rsa';

const algorithmOf: Readonly<Record<Type, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  ed25519: 'EdDSA',
  rsa: 'RS256',
};

export function tokenKey(
  kid: string | undefined,
  type: Type = 'P-256',
  rsa = { bits: 2048, exponent: 65_537 },
): TokenKey {
  const { privateKey, publicKey } = generate(type, rsa);
  const named = kid === undefined ? {} : { kid };
  const jwk = { ...publicKey.export({ format: 'jwk' }), ...named, use: 'sig' };
  return { kid, alg: algorithmOf[type], privateKey, jwk };
}

function generate(type: Type, { bits, exponent }: { readonly bits: number; readonly exponent: number }) {
  if (type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent });
  return type === 'ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: type });
}

export function jwks(...keys: readonly TokenKey[]): string {
  return JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });
}

type Json = Readonly<Record<string, unknown>>;

/** Signs any header and payload; one that is text is taken as it is, so that a test can write a member twice. */
export function mint(key: TokenKey, payload: Json | string, header: Json | string = {}): string {
  const whole = typeof header === 'string' ? header : { alg: key.alg, typ: 'at+jwt', kid: key.kid, ...header };
  const signed = `${part(whole)}.${part(payload)}`;
  return `${signed}.${signatureOf(key, signed).toString('base64url')}`;
}

export function part(value: Json | string): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

function signatureOf({ alg, privateKey }: TokenKey, signed: string): Buffer {
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const padding = alg.startsWith('PS') ? constants.RSA_PKCS1_PSS_PADDING : undefined;
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return sign(hash, Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363', padding, saltLength });
}

/** What an attacker makes who takes a public key for the secret of an HMAC (CVE-2015-9235). */
export function mintWithSecret(secret: string, payload: Json, header: Json): string {
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
