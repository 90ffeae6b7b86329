import type { webcrypto } from 'node:crypto';
import { longestExponent } from '../../certs/parse-certificate.ts';
import { type SignatureAlgorithm, algorithmsOf } from './algorithms.ts';
import { isJsonObject, type JsonObject, own } from '../../policy/json/json-object.ts';
import { importKey, type PublicJwk, type SignatureKey } from './signature.ts';

export type JwksProblem = { readonly pointer: string; readonly message: string };

/** A key as an issuer publishes it, once for each algorithm that it may be used with. */
export type IssuerKey = {
  readonly kid: string | undefined;
  readonly algorithm: SignatureAlgorithm;
  readonly key: SignatureKey;
};

export type JwksReading = { readonly keys: readonly IssuerKey[]; readonly problems: readonly JwksProblem[] };

/** An issuer has a few keys; with more of them, somebody else's file was meant. */
const maxKeys = 100;
const maxKidLength = 256;
/** NIST SP 800-131A: less is broken with money. What is far larger only costs time, at every signature. */
const rsaBits = { least: 2048, most: 8192 } as const;
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  RSA: ['kty', 'n', 'e'],
  EC: ['kty', 'crv', 'x', 'y'],
  OKP: ['kty', 'crv', 'x'],
};

/**
 * The keys of a JWK set (RFC 7517) that check signatures. A key for something else (`use: enc`, a type unknown here) is
 * left out, as section 5 wants; one that must not be there at all, such as a private or a weak one, is a problem.
 */
export async function readJwks(value: unknown): Promise<JwksReading> {
  const list = isJsonObject(value) ? own(value, 'keys') : undefined;
  if (!Array.isArray(list)) return onlyProblem('', 'is no JWK set: an object with the list `keys`');
  if (list.length > maxKeys) return onlyProblem('/keys', `${list.length} keys are more than ${maxKeys}`);
  const readings = await Promise.all(list.map((jwk: unknown, index) => readKey(jwk, `/keys/${index}`)));
  const problems = [...readings.flatMap((reading) => reading.problems), ...repeatedKids(list)];
  const keys = readings.flatMap((reading) => reading.keys);
  return keys.length === 0 && problems.length === 0
    ? onlyProblem('/keys', 'there is no public key for signatures among them')
    : { keys, problems };
}

function onlyProblem(pointer: string, message: string): JwksReading {
  return { keys: [], problems: [{ pointer, message }] };
}

async function readKey(jwk: unknown, pointer: string): Promise<JwksReading> {
  if (!isJsonObject(jwk)) return onlyProblem(pointer, 'is no JWK: not an object');
  const kty = own(jwk, 'kty');
  if (kty === 'oct') return onlyProblem(pointer, 'is a shared secret: whoever can check a token could make one');
  if (privateMember(jwk) !== undefined) {
    return onlyProblem(pointer, 'is a private key: whoever reads it here can make tokens');
  }
  const kid = own(jwk, 'kid');
  if (kid !== undefined && !isKid(kid))
    return onlyProblem(`${pointer}/kid`, `is no text of 1 to ${maxKidLength} characters`);
  const algorithms = algorithmsFor(jwk);
  if (algorithms.length === 0) return { keys: [], problems: [] };
  const keys = await Promise.all(
    algorithms.map(async (algorithm) => ({ kid, algorithm, key: await publicKey(jwk, algorithm) })),
  );
  const problem = keys.map(({ key }) => key).find((key) => typeof key === 'string');
  if (problem !== undefined) return onlyProblem(pointer, problem);
  return { keys: keys.filter((one): one is IssuerKey => typeof one.key !== 'string'), problems: [] };
}

/** RFC 7518 section 6: what of a key its owner alone may have. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'];

export function privateMember(jwk: JsonObject): string | undefined {
  return privateMembers.find((name) => Object.hasOwn(jwk, name));
}

/** The key of a JWK for this algorithm, or what is wrong with it. */
export async function publicKey(jwk: JsonObject, algorithm: SignatureAlgorithm): Promise<SignatureKey | string> {
  if (!algorithmsFor(jwk).includes(algorithm)) return `is not for ${algorithm}`;
  const kty = String(own(jwk, 'kty'));
  const given = publicJwk(jwk, kty);
  const key = given && (await importKey(given, algorithm));
  return key === undefined ? `is no valid public key of type ${kty}` : (weaknessOf(key) ?? key);
}

export function isKid(kid: unknown): kid is string {
  return typeof kid === 'string' && kid.length > 0 && kid.length <= maxKidLength;
}

/** A key that says what it is for is used for nothing else (RFC 8725 section 3.1). */
function algorithmsFor(jwk: JsonObject): readonly SignatureAlgorithm[] {
  const [use, operations, alg] = [own(jwk, 'use'), own(jwk, 'key_ops'), own(jwk, 'alg')];
  if (use !== undefined && use !== 'sig') return [];
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return [];
  const possible = algorithmsOf(own(jwk, 'kty'), own(jwk, 'crv'));
  return alg === undefined ? possible : possible.filter((one) => one === alg);
}

function publicJwk(jwk: JsonObject, kty: string): PublicJwk | undefined {
  const members = (publicMembers[kty] ?? []).map((name) => [name, own(jwk, name)] as const);
  if (members.some(([, value]) => typeof value !== 'string')) return undefined;
  return { ...(Object.fromEntries(members) as Record<string, string>), kty };
}

function weaknessOf({ algorithm }: SignatureKey): string | undefined {
  if (!('modulusLength' in algorithm)) return undefined;
  const { modulusLength, publicExponent } = algorithm as webcrypto.RsaHashedKeyAlgorithm;
  const { least, most } = rsaBits;
  if (modulusLength < least) return `is an RSA key of ${modulusLength} bits, less than ${least}`;
  if (modulusLength > most) return `is an RSA key of ${modulusLength} bits, more than ${most}`;
  const exponent = publicExponent.reduce((sum, byte) => sum * 256 + byte, 0);
  if (exponent >= 2 ** longestExponent)
    return `is an RSA key with a public exponent of more than ${longestExponent} bits`;
  return exponent < 65_537 || exponent % 2 === 0 ? `is an RSA key with the public exponent ${exponent}` : undefined;
}

/** With two keys of one name, which of them a token names is a guess. */
function repeatedKids(list: readonly unknown[]): readonly JwksProblem[] {
  const kids = list.map((jwk) => (isJsonObject(jwk) ? own(jwk, 'kid') : undefined));
  return kids.flatMap((kid, index) => {
    const first = kids.indexOf(kid);
    if (kid === undefined || first === index) return [];
    return [{ pointer: `/keys/${index}/kid`, message: `is the name of /keys/${first} already` }];
  });
}
