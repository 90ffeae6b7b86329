import type { SvidMaterial, SvidSource } from '../../certs/sources/svid-source.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Log } from '../telemetry/log.ts';

type Parts = {
  readonly source: SvidSource;
  readonly nowMs: () => number;
  readonly audit: AuditStream;
  readonly log: Log;
};

/**
 * Whether our own SVID runs towards its end without a successor. Each look compares the clock and says each thing once
 * for each SVID; asked again and again instead of timed, because a clock that jumps reaches the end earlier than a timer.
 */
export function watchOwnValidity({ source, nowMs, audit, log }: Parts): () => void {
  const said = new WeakMap<SvidMaterial, 'overdue' | 'expired'>();
  return () => {
    const svid = source.current();
    const { spiffeId, serial, notAfterMs } = svid;
    const now = nowMs();
    const state = now > notAfterMs ? 'expired' : now >= source.overdueFromMs() ? 'overdue' : undefined;
    if (state === undefined || state === said.get(svid)) return;
    said.set(svid, state);
    const not_after = new Date(notAfterMs).toISOString();
    const type = state === 'expired' ? 'identity.expire' : 'identity.overdue';
    audit.append({ kind: 'control', type, outcome: 'error', certificate: { spiffe: spiffeId, serial, not_after } });
    log[state === 'expired' ? 'error' : 'warn'](type, { serial, not_after });
  };
}
