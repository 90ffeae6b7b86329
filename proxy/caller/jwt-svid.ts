import { CertsError } from '../../certs/errors.ts';
import { parseSpiffeId, type SpiffeId, trustDomainOf } from '../../certs/spiffe-id.ts';
import { type JsonObject, own } from '../../policy/json/json-object.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import { isName, isTime } from '../user/claims.ts';
import { readJws, refusedParameter } from '../user/jws.ts';
import { isKid } from '../user/read-jwks.ts';
import type { CallerClaims } from './caller.ts';

/** A JWT-SVID, read to the letter of its standard; nothing in it has been verified. */
export type JwtSvid = {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly audience: readonly string[];
  readonly notBeforeMs: number | undefined;
  readonly issuedMs: number | undefined;
  readonly caller: CallerClaims;
};

const maxLength = 8192;

/** JWT-SVID sections 2 and 3. */
export function readJwtSvid(text: string): JwtSvid | Denial {
  if (text.length > maxLength) return malformed(`more than ${maxLength} characters`);
  const jws = readJws(text);
  if (typeof jws === 'string') return malformed(jws);
  const { header, payload } = jws;
  const wrong = headerProblem(header);
  if (wrong !== undefined) return malformed(wrong);
  const claims = readClaims(payload);
  if (isDenial(claims)) return claims;
  return { algorithm: own(header, 'alg') as string, kid: own(header, 'kid') as string | undefined, ...claims };
}

function headerProblem(header: JsonObject): string | undefined {
  const [kid, typ] = [own(header, 'kid'), own(header, 'typ')];
  if (typeof own(header, 'alg') !== 'string') return 'no `alg` in the header';
  if (kid !== undefined && !isKid(kid)) return '`kid` is no text of 1 to 256 characters';
  // Section 2.3. An access token of the same issuer is no JWT-SVID (RFC 8725 section 3.11).
  if (typ !== undefined && typ !== 'JWT' && typ !== 'JOSE') return '`typ` is neither JWT nor JOSE';
  const refused = refusedParameter(header) ?? (Object.hasOwn(header, 'jwk') ? 'jwk' : undefined);
  return refused === undefined ? undefined : `a header with \`${refused}\``;
}

/** Section 3: `sub`, `aud` and `exp` are required (SPIRE before 1.11.3 took tokens without `exp`). */
function readClaims(payload: JsonObject): Omit<JwtSvid, 'algorithm' | 'kid'> | Denial {
  const [expires, notBefore, issued] = [own(payload, 'exp'), own(payload, 'nbf'), own(payload, 'iat')];
  const [aud, tokenId] = [own(payload, 'aud'), own(payload, 'jti')];
  const spiffeId = readSubject(own(payload, 'sub'));
  if (spiffeId === undefined) return malformed('`sub` is no SPIFFE ID of a workload');
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (audience.length === 0 || !audience.every((one) => typeof one === 'string')) return claimIsWrong('aud');
  if (!isTime(expires)) return claimIsWrong('exp');
  if (notBefore !== undefined && !isTime(notBefore)) return claimIsWrong('nbf');
  if (issued !== undefined && !isTime(issued)) return claimIsWrong('iat');
  if (tokenId !== undefined && !isName(tokenId)) return claimIsWrong('jti');
  const caller = { spiffeId, trustDomain: trustDomainOf(spiffeId), tokenId, notAfterMs: expires * 1000 };
  return { audience, notBeforeMs: milliseconds(notBefore), issuedMs: milliseconds(issued), caller };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** An ID without a path names the trust domain itself, which asks nobody for anything. */
function readSubject(sub: unknown): SpiffeId | undefined {
  try {
    const spiffeId = parseSpiffeId(typeof sub === 'string' ? sub : '');
    return spiffeId === `spiffe://${trustDomainOf(spiffeId)}` ? undefined : spiffeId;
  } catch (cause) {
    if (cause instanceof CertsError) return undefined;
    throw cause;
  }
}

function malformed(detail: string): Denial {
  return deny('caller-token-malformed', { detail });
}

function claimIsWrong(name: string): Denial {
  return malformed(`\`${name}\` is missing or not of its type`);
}
