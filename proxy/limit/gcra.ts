/**
 * The generic cell rate algorithm (ITU-T I.371, annex A), as arithmetic on whole microseconds of a monotonic clock.
 * One number per key says everything: the theoretical arrival time (TAT), when the key's quota is full again. A key
 * whose TAT is not in the future is the same as a key never seen, which is why forgetting it is safe.
 */

/** `requests` per `perMs`, with up to `burst` at once. */
export type Quota = { readonly requests: number; readonly perMs: number; readonly burst: number };

export type Verdict =
  | { readonly allowed: true; readonly remaining: number; readonly resetMs: number }
  | { readonly allowed: false; readonly remaining: 0; readonly resetMs: number; readonly retryAfterMs: number };

export type Arrival = { readonly verdict: Verdict; readonly tatUs: number };

/** Time between two requests at the steady rate. Rounded up, so that rounding never gives more than was promised. */
export function emissionIntervalUs(quota: Quota): number {
  return Math.max(1, Math.ceil((quota.perMs * 1000) / quota.requests));
}

/** Decides one request at `nowUs`. A refused request costs nothing: its TAT is the one that came in. */
export function arrive(tatUs: number, quota: Quota, nowUs: number): Arrival {
  const intervalUs = emissionIntervalUs(quota);
  const toleranceUs = intervalUs * quota.burst;
  const fullUs = Math.max(tatUs, nowUs);
  const debtUs = fullUs + intervalUs - nowUs;
  if (debtUs > toleranceUs) {
    const retryAfterMs = (debtUs - toleranceUs) / 1000;
    return { verdict: { allowed: false, remaining: 0, resetMs: (fullUs - nowUs) / 1000, retryAfterMs }, tatUs };
  }
  const remaining = Math.floor((toleranceUs - debtUs) / intervalUs);
  return { verdict: { allowed: true, remaining, resetMs: debtUs / 1000 }, tatUs: fullUs + intervalUs };
}

/** Two threads read the clock, and the later one may be served first; no lock is waited for so long. */
const disorderUs = 1_000_000;

/**
 * The TAT that counts under this quota. So far ahead as the quota cannot put it, another one did, before a reload: who has used
 * up ten a day does not wait for tomorrow under a thousand a second, but begins with nothing left.
 */
export function underThisQuota(tatUs: number, quota: Quota, nowUs: number): number {
  const farthestUs = nowUs + emissionIntervalUs(quota) * quota.burst;
  return tatUs > farthestUs + disorderUs ? farthestUs : tatUs;
}
