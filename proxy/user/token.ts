import { type Denial, isDenial } from '../denial.ts';
import { type JsonObject, own } from '../../policy/json/json-object.ts';
import { type Claims, readClaims } from './claims.ts';
import { readJws, refusedParameter } from './jws.ts';
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

export function readToken(text: string): Token | Denial {
  if (text.split('.').length === 5) return unsupported('an encrypted token (JWE)');
  const jws = readJws(text);
  if (typeof jws === 'string') return malformed(jws);
  const { header, payload } = jws;
  const wrong = judgeHeader(header);
  if (wrong !== undefined) return wrong;
  const claims = readClaims(payload);
  if (isDenial(claims)) return claims;
  const kid = own(header, 'kid') as string | undefined;
  return { text, algorithm: own(header, 'alg') as string, kid, type: typeOf(own(header, 'typ')), claims };
}

function judgeHeader(header: JsonObject): Denial | undefined {
  const [kid, typ] = [own(header, 'kid'), own(header, 'typ')];
  if (typeof own(header, 'alg') !== 'string') return malformed('no `alg` in the header');
  if (kid !== undefined && !isKid(kid)) return malformed('`kid` is no text of 1 to 256 characters');
  if (typ !== undefined && typeof typ !== 'string') return malformed('`typ` is not text');
  // A key in the token is one of the attacker's (CVE-2018-0114).
  const refused = refusedParameter(header) ?? (Object.hasOwn(header, 'jwk') ? 'jwk' : undefined);
  return refused === undefined ? undefined : unsupported(`a header with \`${refused}\``);
}

/** RFC 7515 section 4.1.9: case does not count, and `application/` may be left out. */
function typeOf(typ: unknown): TokenType {
  if (typeof typ !== 'string') return 'JWT';
  const name = typ.toLowerCase().replace(/^application\//, '');
  return name === 'at+jwt' ? 'at+jwt' : name === 'jwt' ? 'JWT' : 'other';
}
