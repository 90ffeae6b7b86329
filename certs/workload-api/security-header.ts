import type { Caller } from './listen.ts';
import { RefusedCall } from './refused-call.ts';

/** Workload Endpoint section 5: whoever is made to connect here by a request of somebody else's (SSRF) does not send it. */
export function requireSecurityHeader({ metadata }: Caller): void {
  const values = metadata('workload.spiffe.io');
  if (values.length !== 1 || values[0] !== 'true') {
    throw new RefusedCall('INVALID_ARGUMENT', 'security header missing: workload.spiffe.io: true');
  }
}
