import { isJsonObject, type JsonObject, own } from '../../policy/json/json-object.ts';
import { readStrictJson } from '../../policy/json/strict-json.ts';
import { type Denial, deny } from '../denial.ts';
import type { Claims } from './claims.ts';
import { refuse } from './refuse.ts';

/** RFC 7662 section 2.2: those of its members that a JWT has too, and that say whose token it is. */
const sameAsSigned = ['iss', 'sub', 'exp', 'client_id', 'jti'] as const;

/**
 * Undefined for a token that is active. An answer about another token than the one that was asked for decides nothing: a cache or
 * a gateway in between has mixed them up, or the issuer signs one thing and says another.
 */
export function judgeAnswer(bytes: Uint8Array, claims: Claims, audience: readonly string[]): undefined | Denial {
  const reading = readStrictJson(bytes, { maxDepth: 16 });
  if (!reading.ok || !isJsonObject(reading.value)) return undecided('the answer is no acceptable JSON object');
  const answer = reading.value;
  const active = own(answer, 'active');
  if (active === false) return refuse('user-token-revoked', 'its issuer says that it is not active');
  if (active !== true) return undecided('`active` of the answer is neither true nor false');
  const contradicted = sameAsSigned.find((name) => !agrees(own(answer, name), own(claims.all, name)));
  if (contradicted !== undefined) return undecided(`\`${contradicted}\` of the answer is not that of the token`);
  return fits(answer, claims, audience) ? undefined : undecided('`aud` of the answer does not fit the token or us');
}

/** What one of the two does not say contradicts nothing. */
function agrees(answered: unknown, signed: unknown): boolean {
  return answered === undefined || signed === undefined || answered === signed;
}

/** An issuer may leave out the others whom a token is for, but not us, and it adds nobody. */
function fits(answer: JsonObject, claims: Claims, audience: readonly string[]): boolean {
  const aud = own(answer, 'aud');
  if (aud === undefined) return true;
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return (
    named.every((one) => claims.audience.some((signed) => signed === one)) &&
    named.some((one) => audience.some((ours) => ours === one))
  );
}

/** Nobody knows whether it is active. */
export function undecided(detail: string): Denial {
  return deny('user-introspection-unavailable', { detail });
}
