import { readStrictJson } from '../../policy/json/strict-json.ts';
import { type Denial, isDenial } from '../denial.ts';
import { type Claims, readClaims } from './claims.ts';
import { isJsonObject, type JsonObject, own } from '../../policy/json/json-object.ts';
import { isKid } from './read-jwks.ts';
import { malformed, unsupported } from './refuse.ts';

/** A signed token in the compact serialisation (RFC 7515 section 7.1), read; nothing in it has been verified. */
export type Token = {
  readonly text: string;
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly type: TokenType;
  readonly claims: Claims;
};

/** RFC 9068 section 2.1 names access tokens. `JWT` and no name at all say nothing of what the token is for. */
export type TokenType = 'at+jwt' | 'JWT' | 'other';

const maxDepth = 16;

/** Names of keys that a token brings along: an attacker would bring his own (RFC 8725 section 3.10, CVE-2018-0114). */
const ownKeys = ['jwk', 'jku', 'x5u', 'x5c'];

export function readToken(text: string): Token | Denial {
  const parts = text.split('.');
  if (parts.length === 5) return unsupported('an encrypted token (JWE)');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined || signature === undefined) {
    return malformed('not three parts with a period between each two');
  }
  const first = readPart('header', header);
  if (isDenial(first)) return first;
  const wrong = judgeHeader(first);
  if (wrong !== undefined) return wrong;
  const second = readPart('payload', payload);
  if (isDenial(second)) return second;
  if (decode(signature) === undefined) return malformed('the signature is not base64url');
  const claims = readClaims(second);
  if (isDenial(claims)) return claims;
  const kid = own(first, 'kid') as string | undefined;
  return { text, algorithm: own(first, 'alg') as string, kid, type: typeOf(own(first, 'typ')), claims };
}

function judgeHeader(header: JsonObject): Denial | undefined {
  const [kid, typ] = [own(header, 'kid'), own(header, 'typ')];
  if (typeof own(header, 'alg') !== 'string') return malformed('no `alg` in the header');
  if (kid !== undefined && !isKid(kid)) return malformed('`kid` is no text of 1 to 256 characters');
  if (typ !== undefined && typeof typ !== 'string') return malformed('`typ` is not text');
  // RFC 7515 section 4.1.11: who does not understand an extension that is critical refuses, and we understand none.
  if (Object.hasOwn(header, 'crit')) return unsupported('a header with `crit`');
  // RFC 7797: without base64url the signed bytes are others than we read.
  if (Object.hasOwn(header, 'b64')) return unsupported('a header with `b64`');
  if (Object.hasOwn(header, 'enc')) return unsupported('an encrypted token (JWE)');
  const brought = ownKeys.find((name) => Object.hasOwn(header, name));
  return brought === undefined
    ? undefined
    : unsupported(`a header with \`${brought}\`, a key of the token's own choice`);
}

/** RFC 7515 section 4.1.9: case does not count, and `application/` may be left out. */
function typeOf(typ: unknown): TokenType {
  if (typeof typ !== 'string') return 'JWT';
  const name = typ.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' ? 'at+jwt' : name === 'jwt' ? 'JWT' : 'other';
}

function readPart(what: string, encoded: string): JsonObject | Denial {
  const bytes = decode(encoded);
  if (bytes === undefined) return malformed(`the ${what} is not base64url`);
  // With a member twice, one reader of the token takes the first and another the last (RFC 8725 section 2.4 and 3.7).
  const reading = readStrictJson(bytes, { maxDepth });
  if (!reading.ok) return malformed(`the ${what} is not acceptable JSON: ${reading.problem.code}`);
  return isJsonObject(reading.value) ? reading.value : malformed(`the ${what} is no JSON object`);
}

/** One text for the same bytes: no padding, no foreign characters, no bits left over at the end. */
function decode(encoded: string): Buffer | undefined {
  const bytes = Buffer.from(encoded, 'base64url');
  return encoded !== '' && bytes.toString('base64url') === encoded ? bytes : undefined;
}
