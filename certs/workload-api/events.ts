import type { CertsErrorCode } from '../errors.ts';
import type { SpiffeId } from '../spiffe-id.ts';
import type { RefusalCode } from './refused-call.ts';

/** What the audit records of the Workload API. Closed; never holds a key. */
export type WorkloadApiEvent =
  | {
      /** Before the caller has it. */
      readonly type: 'svid.deliver';
      readonly socket: string;
      readonly method: string;
      readonly spiffeId: SpiffeId;
      readonly serial: string;
      readonly notAfterMs: number;
    }
  | {
      readonly type: 'svid.deliver-jwt';
      readonly socket: string;
      readonly method: string;
      readonly spiffeId: SpiffeId;
      readonly audience: readonly string[];
      readonly jti: string;
      readonly notAfterMs: number;
    }
  | {
      readonly type: 'svid.refuse';
      readonly socket: string;
      readonly method: string;
      readonly code: RefusalCode | CertsErrorCode;
      readonly message: string;
    }
  | {
      /** The one that was there is still told of. */
      readonly type: 'svid.renewal-failed';
      readonly socket: string;
      readonly spiffeId: SpiffeId;
      readonly serial: string;
      readonly notAfterMs: number;
      readonly code: CertsErrorCode | undefined;
      readonly message: string;
    };

type OfSocket<Event> = Event extends unknown ? Omit<Event, 'socket'> : never;

/** What is handed out, by the socket that knows its own name. */
export type Delivery = OfSocket<Extract<WorkloadApiEvent, { type: 'svid.deliver' | 'svid.deliver-jwt' }>>;
