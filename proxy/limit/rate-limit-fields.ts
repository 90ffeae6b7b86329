import type { Quota, Verdict } from './gcra.ts';

/**
 * Tells the client what it may do: `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers, from -08
 * on structured fields), and `Retry-After` (RFC 9110 section 10.2.3) with a refusal. Answers a flat header list.
 * Seconds are rounded up: a client that waits as told is never refused for having come too early.
 */
export function rateLimitFields(policy: string, quota: Quota, verdict: Verdict): readonly string[] {
  const name = sfString(policy);
  const fields = [
    'RateLimit-Policy',
    `${name};${policyParameters(quota)}`,
    'RateLimit',
    `${name};r=${verdict.remaining};t=${seconds(verdict.resetMs)}`,
  ];
  if (!verdict.allowed) fields.push('Retry-After', String(Math.max(1, seconds(verdict.retryAfterMs))));
  return fields;
}

/** `q` units per window of `w` whole seconds. A rate given for less than a second is told per second. */
function policyParameters(quota: Quota): string {
  const windowSeconds = Math.max(1, seconds(quota.perMs));
  const units = Math.floor((quota.requests * windowSeconds * 1000) / quota.perMs);
  return `q=${units};w=${windowSeconds}`;
}

function seconds(milliseconds: number): number {
  return Math.ceil(milliseconds / 1000);
}

/** A String of RFC 9651 section 3.3.3 has printable ASCII only; route names come from the configuration. */
function sfString(text: string): string {
  return `"${text.replaceAll(/[^\x20-\x7e]/g, '_').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
