import type { CaEvent } from '../../certs/local-ca/events.ts';
import type { IdentityEvent } from '../../certs/sources/events.ts';
import type { ControlEvent } from '../audit/catalogue.ts';

/** What the audit says of an event of the CA or of the proxy's own identity. */
export function caRecord(event: CaEvent | IdentityEvent): ControlEvent {
  switch (event.type) {
    case 'ca.create':
      return { kind: 'control', type: event.type, certificate: { fp_sha256: event.rootFingerprintSha256 } };
    case 'ca.create-jwt-key':
      return { kind: 'control', type: event.type };
    case 'ca.issue':
      return { kind: 'control', type: event.type, certificate: certificate(event) };
    case 'ca.revoke':
      return { kind: 'control', type: event.type, certificate: { serial: event.serial } };
    case 'ca.refuse':
      return { kind: 'control', type: event.type, outcome: 'deny', reason: event.code, detail: event.message };
    case 'identity.wait':
      return { kind: 'control', type: event.type, outcome: 'error', reason: event.code, detail: event.message };
    case 'identity.rotate':
      return {
        kind: 'control',
        type: event.type,
        certificate: certificate(event),
        detail: `replaces serial ${event.previousSerial}`,
      };
    case 'identity.refresh-failed':
      return {
        kind: 'control',
        type: 'identity.renewal-failed',
        outcome: 'error',
        reason: event.code,
        certificate: certificate(event),
        detail: event.message,
      };
    case 'trust.refresh-failed':
      return { kind: 'control', type: 'trust.reject', outcome: 'deny', reason: event.code, detail: event.message };
  }
}

type Issued = { readonly spiffeId: string; readonly serial: string; readonly notAfterMs: number };

function certificate({ spiffeId, serial, notAfterMs }: Issued) {
  return { spiffe: spiffeId, serial, not_after: new Date(notAfterMs).toISOString() };
}
