import type { CertsErrorCode } from '../errors.ts';
import type { SpiffeId } from '../spiffe-id.ts';

/** What the audit records of this proxy's own identity, whatever its source. Closed; never holds a key. */
export type IdentityEvent =
  | {
      /** There is no SVID yet, and the start waits for one. */
      readonly type: 'identity.wait';
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
      readonly code: CertsErrorCode | undefined;
      readonly message: string;
    }
  | {
      /** The bundle that was there stays in force. */
      readonly type: 'trust.refresh-failed';
      readonly code: CertsErrorCode;
      readonly message: string;
    };
