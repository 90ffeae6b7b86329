import { randomUUID } from 'node:crypto';
import { CertsError } from './errors.ts';
import { parseSpiffeId, type SpiffeId, type TrustDomain, trustDomainOf } from './spiffe-id.ts';
import type { JwtKey } from './spiffe-bundle.ts';
import type { SigningKey } from './x509.ts';

/** Loaded for who has a CA that signs tokens. */
const library = () => import('jose');

/** What signs the JWT-SVIDs of a trust domain, and knows its own again. */
export type JwtAuthority = {
  /** The public key as a JWK set; without the `use` of SPIFFE bundles, which libraries for JWTs take for a key of something else. */
  readonly jwks: string;
  readonly sign: (request: JwtSvidRequest) => Promise<JwtSvid>;
  /** Throws CertsError `jwt-svid-invalid`. */
  readonly verify: (token: string, audience: string, nowMs: number) => Promise<VerifiedJwtSvid>;
};

export type JwtSvidRequest = {
  readonly spiffeId: SpiffeId;
  /** At least one. */
  readonly audience: readonly string[];
  readonly lifetimeMs: number;
  readonly nowMs: number;
};

/** A bearer token: whoever reads it can be the workload. Never log it. */
export type JwtSvid = { readonly token: string; readonly jti: string; readonly notAfterMs: number };

export type VerifiedJwtSvid = { readonly spiffeId: SpiffeId; readonly claims: Readonly<Record<string, unknown>> };

const maxTokenLength = 8192;

/** JWT-SVID sections 2 and 3. Whoever holds the key of the CA's tokens can be any workload of the trust domain. */
export async function jwtAuthority(key: SigningKey, trustDomain: TrustDomain): Promise<JwtAuthority> {
  const { calculateJwkThumbprint, exportJWK, SignJWT } = await library();
  const jwk = await exportJWK(key.publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const algorithm = key.hash === 'SHA-384' ? 'ES384' : 'ES256';
  return {
    jwks: JSON.stringify({ keys: [{ ...jwk, kid }] }),
    sign: async ({ spiffeId, audience, lifetimeMs, nowMs }) => {
      const issuedAt = Math.floor(nowMs / 1000);
      const expires = Math.floor((nowMs + lifetimeMs) / 1000);
      const jti = randomUUID();
      const token = await new SignJWT({ sub: spiffeId, aud: [...audience], jti })
        .setProtectedHeader({ alg: algorithm, kid, typ: 'JWT' })
        .setIssuedAt(issuedAt)
        .setExpirationTime(expires)
        .sign(key.privateKey);
      return { token, jti, notAfterMs: expires * 1000 };
    },
    verify: jwtVerifier([{ ...(jwk as Record<string, string>), kid }], trustDomain),
  };
}

/** JWT-SVID section 3. */
const algorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];

/** Knows the JWT-SVIDs of a trust domain by its public keys. */
export function jwtVerifier(keys: readonly JwtKey[], trustDomain: TrustDomain): JwtAuthority['verify'] {
  return (token, audience, nowMs) =>
    refusing(async () => {
      if (token.length > maxTokenLength) throw new Error(`it is longer than ${maxTokenLength} characters`);
      const { createLocalJWKSet, jwtVerify } = await library();
      const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
        algorithms,
        audience,
        requiredClaims: ['sub', 'aud', 'exp'],
        currentDate: new Date(nowMs),
      });
      const { typ = 'JWT' } = protectedHeader;
      if (typ !== 'JWT' && typ !== 'JOSE') throw new Error('its `typ` is neither JWT nor JOSE');
      const subject = subjectOf(payload);
      if (subject === undefined) throw new Error('its `sub` is not a string');
      const spiffeId = parseSpiffeId(subject);
      if (trustDomainOf(spiffeId) !== trustDomain) throw new Error('its `sub` is of another trust domain');
      return { spiffeId, claims: payload };
    });
}

/** What the token says of itself, and nobody has verified: good for choosing the keys, and for nothing else. */
export async function namedSubject(token: string): Promise<string | undefined> {
  if (token.length > maxTokenLength) return undefined;
  try {
    return subjectOf((await library()).decodeJwt(token));
  } catch {
    return undefined;
  }
}

/** RFC 7519 section 4.1.2; the library says that it is a string, and has looked only at whether it is there. */
function subjectOf({ sub }: { readonly sub?: unknown }): string | undefined {
  return typeof sub === 'string' ? sub : undefined;
}

/** The library's messages name the claim that is wrong and never its value. */
async function refusing<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CertsError('jwt-svid-invalid', `not a JWT-SVID for this audience: ${why}`, { cause });
  }
}
