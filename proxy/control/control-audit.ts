import type { AdminState } from '../admin/state.ts';
import { type AuditStream, openAuditStream } from '../audit/stream.ts';
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

export function adminCalls(audit: AuditStream): AdminState['onCall'] {
  return ({ method, target, status, remote, reason }) =>
    audit.append({
      kind: 'control',
      type: 'admin.call',
      outcome: status < 400 ? 'allow' : 'deny',
      actor: remote,
      command: `${method} ${target}`,
      reason,
    });
}
