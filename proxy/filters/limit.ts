import { oncePer } from '../../policy/once-per.ts';
import type { Caller } from '../caller/caller.ts';
import type { RouteConfig } from '../config/config.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import { rateLimitFields } from '../limit/rate-limit-fields.ts';
import { quotaKey } from '../limit/quotas.ts';
import type { SharedLimits } from '../limit/shared-limits.ts';
import type { Identified } from './identity.ts';
import type { Normalised } from './normalise.ts';

export type Limited = { readonly quota: { readonly remaining: number; readonly resetMs: number } | undefined };

const full = {
  'identity-limit': 'too-many-in-flight',
  'total-limit': 'overloaded',
  'table-full': 'overloaded',
} as const;

/**
 * Concurrency first, which is given back, then the quota, which is not. The key is the verified SPIFFE ID and never an
 * address or a header (CVE-2026-110726, CVE-2026-30827); the clock is monotonic.
 */
export function limit(limits: SharedLimits, nowUs: () => number): Filter<Accepted & Identified & Normalised, Limited> {
  return {
    name: 'limit',
    add: (facts, { quota }) => void (facts.quota = quota),
    apply: ({ caller, route, snapshot, atEnd }) => {
      const { maxInFlight, maxInFlightPerIdentity } = snapshot.config.limits;
      const lease = limits.requests.acquire(caller.spiffeId, {
        perIdentity: maxInFlightPerIdentity,
        total: maxInFlight,
      });
      if (typeof lease === 'string') return deny(full[lease], { headers: ['retry-after', '1'] });
      atEnd.push(lease.release);
      return takeQuota(limits, caller, route.config, nowUs());
    },
  };
}

function takeQuota(
  limits: SharedLimits,
  caller: Caller,
  { name, quota }: RouteConfig,
  nowUs: number,
): Limited | Denial {
  if (quota === undefined) return { quota: undefined };
  const verdict = limits.quotas.take(keyOf(caller, name), quota, nowUs);
  if (verdict === 'table-full') return deny('overloaded', { detail: 'no room to track one more identity' });
  if (verdict.allowed) return { quota: { remaining: verdict.remaining, resetMs: verdict.resetMs } };
  return deny('too-many-requests', { rule: name, headers: rateLimitFields(name, quota, verdict) });
}

/** One text for all requests of a connection: another with the same characters would have to be hashed anew. */
const keysOf = oncePer((_caller: Caller) => new Map<string, string>());

function keyOf(caller: Caller, routeName: string): string {
  const keys = keysOf(caller);
  const known = keys.get(routeName);
  if (known !== undefined) return known;
  const key = quotaKey(caller.spiffeId, routeName);
  keys.set(routeName, key);
  return key;
}
