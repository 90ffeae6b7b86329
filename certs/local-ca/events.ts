import type { CertsErrorCode } from '../errors.ts';
import type { SpiffeId, TrustDomain } from '../spiffe-id.ts';

/** What the audit records of the CA and of this proxy's own identity. Closed; never holds a key. */
export type CaEvent =
  | { readonly type: 'ca.create'; readonly trustDomain: TrustDomain; readonly rootFingerprintSha256: string }
  | { readonly type: 'ca.issue'; readonly spiffeId: SpiffeId; readonly serial: string; readonly notAfterMs: number }
  | { readonly type: 'ca.revoke'; readonly serial: string }
  | {
      readonly type: 'ca.refuse';
      readonly action: 'issue' | 'revoke';
      readonly code: CertsErrorCode;
      readonly message: string;
    }
  | {
      readonly type: 'identity.rotate';
      readonly spiffeId: SpiffeId;
      readonly previousSerial: string;
      readonly serial: string;
      readonly notAfterMs: number;
    }
  | {
      readonly type: 'identity.refresh-failed';
      readonly spiffeId: SpiffeId;
      /** The SVID that stays in use. */
      readonly serial: string;
      readonly notAfterMs: number;
      readonly message: string;
    };
