import type { PeerSvid } from '../../certs/peer.ts';
import type { IssuerConfig } from '../config/token-config.ts';
import type { Denial } from '../denial.ts';
import type { Claims } from './claims.ts';
import { type Life, longest } from './life.ts';
import { refuse } from './refuse.ts';

/** Whether a token that its issuer has signed is good here, now, and from this client. Asked again for every request. */
export function judgeClaims(
  claims: Claims,
  { clockToleranceMs, maxTokenAgeMs, audience }: IssuerConfig,
  peer: PeerSvid,
  nowMs: number,
): Denial | undefined {
  const { expiresMs, issuedMs, notBeforeMs = 0, certificateSha256 } = claims;
  if (nowMs >= expiresMs + clockToleranceMs) return refuse('user-token-expired', '`exp` has passed');
  if (nowMs >= issuedMs + maxTokenAgeMs + clockToleranceMs) {
    return refuse('user-token-expired', 'it is older than `max_token_age`');
  }
  if (nowMs < notBeforeMs - clockToleranceMs) return refuse('user-token-not-yet-valid', '`nbf` has not come');
  // A token from the future escapes `max_token_age`.
  if (nowMs < issuedMs - clockToleranceMs) return refuse('user-token-not-yet-valid', '`iat` has not come');
  if (!claims.audience.some((one) => audience.includes(one))) {
    return refuse('user-token-wrong-audience', 'none of `aud` is a configured `audience`');
  }
  if (certificateSha256 !== undefined && certificateSha256 !== thumbprint(peer)) {
    return refuse('user-token-not-bound', '`cnf` names another client certificate');
  }
  return undefined;
}

/** When it is good no more: by the rules of today, and by any there could be. */
export function lifeOf({ expiresMs, issuedMs }: Claims, { maxTokenAgeMs, clockToleranceMs }: IssuerConfig): Life {
  return {
    endsMs: Math.min(expiresMs, issuedMs + maxTokenAgeMs) + clockToleranceMs,
    forgottenMs: Math.min(expiresMs, issuedMs + longest.tokenAgeMs) + longest.clockToleranceMs,
  };
}

/** RFC 8705 section 3.1: SHA-256 over the DER of the certificate, base64url. */
function thumbprint({ fingerprintSha256 }: PeerSvid): string {
  return Buffer.from(fingerprintSha256, 'hex').toString('base64url');
}
