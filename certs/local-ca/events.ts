import type { CertsErrorCode } from '../errors.ts';
import type { SpiffeId, TrustDomain } from '../spiffe-id.ts';

/** What the audit records of the CA. Closed; never holds a key. */
export type CaEvent =
  | { readonly type: 'ca.create'; readonly trustDomain: TrustDomain; readonly rootFingerprintSha256: string }
  | { readonly type: 'ca.create-jwt-key'; readonly trustDomain: TrustDomain }
  | { readonly type: 'ca.issue'; readonly spiffeId: SpiffeId; readonly serial: string; readonly notAfterMs: number }
  | { readonly type: 'ca.revoke'; readonly serial: string }
  | {
      readonly type: 'ca.refuse';
      readonly action: 'issue' | 'revoke';
      readonly code: CertsErrorCode;
      readonly message: string;
    };
