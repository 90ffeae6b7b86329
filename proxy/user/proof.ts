import { isJsonObject, type JsonObject, own } from '../../policy/json/json-object.ts';
import type { DpopConfig } from '../config/token-config.ts';
import { type Denial, isDenial } from '../denial.ts';
import type { SignatureAlgorithm } from './algorithms.ts';
import { isName, isTime } from './claims.ts';
import { readJws, refusedParameter } from './jws.ts';
import { type Life, longest } from './life.ts';
import { privateMember, publicKey } from './read-jwks.ts';
import { refuse } from './refuse.ts';
import { isSameResource } from './request-uri.ts';
import { isSignedBy, type SignatureKey, thumbprintOf } from './signature.ts';

/** What a proof must have been made for (RFC 9449 section 4.3). */
export type Proven = {
  readonly method: string;
  /** The request as it is judged: scheme, authority and path. */
  readonly uri: string;
  /** SHA-256 of the token, base64url. */
  readonly tokenSha256: string;
  /** The key that the token is bound to. */
  readonly keyThumbprint: string;
  readonly nowMs: number;
  /** How far the clock of the client may be ahead. */
  readonly clockToleranceMs: number;
};

/** A proof that is good, unless it was here before. `life` is how long it could be shown again. */
export type Proof = { readonly proofId: string; readonly life: Life };

/** Room for an RSA key of 8192 bits and its signature. */
const maxLength = 4096;

/**
 * The proof that a client holds the private key of its token: signed by the key that stands in its header, which proves something
 * only because the issuer has put the thumbprint of that very key into the token. What costs least is compared first.
 */
export async function verifyProof(text: string, rules: DpopConfig, proven: Proven): Promise<Proof | Denial> {
  const read = readProof(text);
  if (isDenial(read)) return read;
  const { jwk, claims } = read;
  const algorithm = rules.algorithms.find((one) => one === read.algorithm);
  if (algorithm === undefined) return refuse('user-proof-untrusted', '`alg` is none of the configured ones');
  const wrong = judgeProof(claims, rules, proven);
  if (wrong !== undefined) return wrong;
  const key = await keyOf(jwk, algorithm, proven.keyThumbprint);
  if (isDenial(key)) return key;
  if (!(await isSignedBy(text, key, algorithm))) return refuse('user-proof-untrusted', 'not signed by its own key');
  const { proofId, issuedMs } = claims;
  return { proofId, life: { endsMs: issuedMs + rules.maxAgeMs, forgottenMs: issuedMs + longest.proofAgeMs } };
}

type ProofKey = { readonly key: SignatureKey; readonly thumbprint: string };

/** A client signs all its proofs with one key, and to read it takes longer than to check a signature with it. */
const known = new Map<string, ProofKey>();
const maxKnown = 1000;

/** Only a key that an issuer has bound a token to is remembered, so that no stranger can crowd out the others. */
async function keyOf(jwk: JsonObject, algorithm: SignatureAlgorithm, bound: string): Promise<SignatureKey | Denial> {
  const name = JSON.stringify([algorithm, jwk]);
  const read = known.get(name) ?? (await readKey(jwk, algorithm));
  if (typeof read === 'string') return refuse('user-proof-untrusted', `the key ${read}`);
  if (read.thumbprint !== bound) {
    return refuse('user-token-not-bound', '`cnf` of the token names another key than that of the proof');
  }
  if (known.size >= maxKnown && !known.has(name)) known.clear();
  known.set(name, read);
  return read.key;
}

async function readKey(jwk: JsonObject, algorithm: SignatureAlgorithm): Promise<ProofKey | string> {
  const key = await publicKey(jwk, algorithm);
  return typeof key === 'string' ? key : { key, thumbprint: await thumbprintOf(key) };
}

type ProofClaims = {
  readonly proofId: string;
  readonly method: string;
  readonly uri: string;
  readonly issuedMs: number;
  readonly tokenSha256: string;
};

function readProof(text: string): { algorithm: unknown; jwk: JsonObject; claims: ProofClaims } | Denial {
  if (text.length > maxLength) return malformed(`more than ${maxLength} characters`);
  const jws = readJws(text);
  if (typeof jws === 'string') return malformed(jws);
  const { header, payload } = jws;
  // Any other JWT that the client has signed is no proof (RFC 8725 section 3.11).
  if (own(header, 'typ') !== 'dpop+jwt') return malformed('`typ` is not dpop+jwt');
  const refused = refusedParameter(header);
  if (refused !== undefined) return malformed(`a header with \`${refused}\``);
  const jwk = own(header, 'jwk');
  if (!isJsonObject(jwk)) return malformed('no `jwk` in the header');
  const secret = privateMember(jwk) ?? refusedParameter(jwk);
  if (secret !== undefined) return malformed(`\`jwk\` has \`${secret}\``);
  const claims = readClaims(payload);
  return isDenial(claims) ? claims : { algorithm: own(header, 'alg'), jwk, claims };
}

function readClaims(payload: JsonObject): ProofClaims | Denial {
  const [proofId, method, uri] = [own(payload, 'jti'), own(payload, 'htm'), own(payload, 'htu')];
  const [issued, tokenSha256] = [own(payload, 'iat'), own(payload, 'ath')];
  if (!isName(proofId)) return claimIsWrong('jti');
  if (typeof method !== 'string') return claimIsWrong('htm');
  if (typeof uri !== 'string') return claimIsWrong('htu');
  if (!isTime(issued)) return claimIsWrong('iat');
  if (typeof tokenSha256 !== 'string') return claimIsWrong('ath');
  return { proofId, method, uri, issuedMs: issued * 1000, tokenSha256 };
}

function judgeProof(claims: ProofClaims, { maxAgeMs }: DpopConfig, proven: Proven): Denial | undefined {
  const { method, uri, tokenSha256, nowMs, clockToleranceMs } = proven;
  if (claims.method !== method) return refuse('user-proof-of-another-request', '`htm` is another method');
  if (!isSameResource(claims.uri, uri)) return refuse('user-proof-of-another-request', '`htu` is another resource');
  if (claims.tokenSha256 !== tokenSha256) return refuse('user-proof-of-another-request', '`ath` is of another token');
  if (nowMs >= claims.issuedMs + maxAgeMs) return refuse('user-proof-untimely', 'it is older than `dpop.max_age`');
  // One that is made for later could be stolen for later (section 11.2).
  if (nowMs < claims.issuedMs - clockToleranceMs) return refuse('user-proof-untimely', '`iat` has not come');
  return undefined;
}

function malformed(detail: string): Denial {
  return refuse('user-proof-malformed', detail);
}

function claimIsWrong(name: string): Denial {
  return malformed(`\`${name}\` is missing or not of its type`);
}
