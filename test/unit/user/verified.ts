import { createHash } from 'node:crypto';
import type { RouteUser } from '../../../proxy/config/config.ts';
import type { IssuerConfig } from '../../../proxy/config/token-config.ts';
import { isDenial } from '../../../proxy/denial.ts';
import { Departure } from '../../../proxy/departure.ts';
import { type Authenticated, type TokenOutcome, user } from '../../../proxy/filters/user.ts';
import type { Introspect } from '../../../proxy/user/introspection.ts';
import { readJwks } from '../../../proxy/user/read-jwks.ts';
import type { TokenUses } from '../../../proxy/user/token-uses.ts';
import { openTokenVerifier, type TokenVerifier } from '../../../proxy/user/token-verifier.ts';
import type { TokenKey } from '../../harness/user-tokens.ts';

export const nowMs = Date.UTC(2026, 10, 23, 9, 30);
export const now = nowMs / 1000;
export const certificate = createHash('sha256').update('the certificate of the client');
export const fingerprint = certificate.copy().digest('hex');

export const staff: IssuerConfig = {
  name: 'staff',
  issuer: 'https://login.shop.example',
  realm: 'internal',
  keys: { kind: 'file', file: '/staff.json' },
  algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
  audience: ['orders', 'https://orders.shop.example'],
  tokenTypes: ['at+jwt'],
  maxTokenAgeMs: 3_600_000,
  clockToleranceMs: 10_000,
  dpop: undefined,
  introspection: undefined,
};

export const goodClaims = {
  iss: staff.issuer,
  sub: 'alice',
  aud: 'orders',
  iat: now - 60,
  exp: now + 240,
  jti: 'token-1',
} as const;

export const required: RouteUser = { issuers: ['staff'], optional: false, singleUse: false, forwardToken: false };

export async function verifierFor(
  issuers: readonly (readonly [IssuerConfig, readonly TokenKey[]])[],
): Promise<TokenVerifier> {
  const read = issuers.map(async ([config, keys]) => {
    const { keys: readKeys, problems } = await readJwks({ keys: keys.map(({ jwk }) => jwk) });
    if (problems.length > 0) throw new Error(JSON.stringify(problems));
    return { config, keys: readKeys };
  });
  return openTokenVerifier(await Promise.all(read));
}

export type Asked = {
  readonly headers?: readonly string[];
  readonly query?: readonly (readonly [string, string])[];
  readonly route?: RouteUser | undefined;
  readonly atMs?: number;
  readonly target?: Target;
  readonly departure?: Departure;
};

type Target = { readonly method: string; readonly authority: string; readonly path: string };

export const orders: Target = { method: 'GET', authority: 'orders.shop.example', path: '/orders' };

/** What the filter says of one request: the code of its refusal, its facts, and what was counted. */
export function asking(
  tokens: TokenVerifier,
  uses: TokenUses = { take: () => 'first' },
  issuers: readonly IssuerConfig[] = [staff],
  introspection: ReadonlyMap<string, Introspect> = new Map(),
) {
  return async ({ headers = [], query = [], route = required, atMs = nowMs, target = orders, ...more }: Asked) => {
    const counted: TokenOutcome[] = [];
    const facts = {
      headers,
      receivedMs: atMs,
      request: { ...target, query },
      route: { config: { user: route } },
      peer: { fingerprintSha256: fingerprint },
      snapshot: { tokens, introspection, config: { issuers } },
      departure: more.departure ?? new Departure(),
    };
    const filter = user(
      uses,
      (outcome) => counted.push(outcome),
      () => {},
    );
    const answer = await filter.apply(facts as never);
    if (isDenial(answer)) return { code: answer.code, detail: answer.detail, headers: answer.headers, counted };
    return { ...(answer satisfies Authenticated), counted };
  };
}

export const bearer = (token: string): readonly string[] => ['Authorization', `Bearer ${token}`];
