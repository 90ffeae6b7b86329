import { isJsonObject, own } from '../../policy/json/json-object.ts';
import type { SignatureAlgorithm } from '../user/algorithms.ts';
import { type JwksReading, readJwks } from '../user/read-jwks.ts';

/** JWT-SVID section 2.1. */
export const JWT_SVID_ALGORITHMS: readonly SignatureAlgorithm[] = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
];

/**
 * The keys of a trust domain that check JWT-SVIDs: of its whole SPIFFE bundle those of use `jwt-svid`, and all of a JWK set that
 * says nothing of its use, as the Workload API gives it. There may be none; one that must not be there refuses the whole.
 */
export async function readJwtBundle(document: unknown): Promise<JwksReading> {
  const list = isJsonObject(document) ? own(document, 'keys') : undefined;
  if (!Array.isArray(list)) return readJwks(document);
  const uses = list.map((jwk: unknown) => (isJsonObject(jwk) ? own(jwk, 'use') : undefined));
  if (!uses.some((use) => use === undefined || use === 'sig' || use === 'jwt-svid')) return { keys: [], problems: [] };
  const signing = list.map((jwk: unknown, index) =>
    uses[index] === 'jwt-svid' ? { ...(jwk as object), use: 'sig' } : jwk,
  );
  const { keys, problems } = await readJwks({ keys: signing });
  return { keys: keys.filter(({ algorithm }) => JWT_SVID_ALGORITHMS.includes(algorithm)), problems };
}
