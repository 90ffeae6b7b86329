import type { AdminState } from '../admin/state.ts';
import type { Outcome } from '../audit/catalogue.ts';
import { type AuditStream, openAuditStream } from '../audit/stream.ts';
import { maskTarget } from '../audit/target.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';

/** The stream of the main thread; `failed` says why it cannot be written, as long as that lasts. */
export function openControlAudit(config: Config, node: string, clock: Clock, failed: Map<string, string>): AuditStream {
  const { folder, segmentBytes, mode } = config.audit;
  return openAuditStream({
    folder,
    stream: 'control',
    segmentBytes,
    mode,
    identity: { node, workload: config.identity.spiffeId },
    now: clock.nowMs,
    monotonicNs: clock.monotonicNs,
    onStateChange: (state, cause) => {
      if (state === 'failed') failed.set('control', cause?.message ?? 'failed');
      else failed.delete('control');
    },
  });
}

export function adminCalls(audit: Pick<AuditStream, 'append'>): AdminState['onCall'] {
  return ({ method, target, status, remote, reason }) =>
    audit.append({
      kind: 'control',
      type: 'admin.call',
      outcome: adminOutcome(status),
      actor: remote,
      command: `${method} ${maskTarget(target).text}`,
      reason,
    });
}

/** That the proxy is not ready is an answer (503); only a bug is 500. */
function adminOutcome(status: number): Outcome {
  if (status === 500) return 'error';
  return status < 400 || status === 503 ? 'allow' : 'deny';
}
