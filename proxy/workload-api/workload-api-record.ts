import type { WorkloadApiEvent } from '../../certs/workload-api/events.ts';
import type { ControlEvent } from '../audit/catalogue.ts';

/** What the audit says of an event of the Workload API. */
export function workloadApiRecord(event: WorkloadApiEvent): ControlEvent {
  const { type, socket: file } = event;
  switch (type) {
    case 'svid.deliver':
      return { kind: 'control', type, file, command: event.method, certificate: certificate(event) };
    case 'svid.deliver-jwt': {
      const { spiffeId: sub, jti, audience, notAfterMs } = event;
      const token = { sub, jti, aud: audience.join(' '), not_after: new Date(notAfterMs).toISOString() };
      return { kind: 'control', type, file, command: event.method, token };
    }
    case 'svid.refuse': {
      const { method: command, code: reason, message: detail } = event;
      return { kind: 'control', type, outcome: 'deny', file, command, reason, detail };
    }
    case 'svid.renewal-failed': {
      const { code: reason, message: detail } = event;
      return { kind: 'control', type, outcome: 'error', file, reason, detail, certificate: certificate(event) };
    }
  }
}

type Svid = { readonly spiffeId: string; readonly serial: string; readonly notAfterMs: number };

function certificate({ spiffeId: spiffe, serial, notAfterMs }: Svid) {
  return { spiffe, serial, not_after: new Date(notAfterMs).toISOString() };
}
