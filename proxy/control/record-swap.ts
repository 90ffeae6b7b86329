import type { AuditStream } from '../audit/stream.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { Log } from '../telemetry/log.ts';
import { describeKeyChanges } from './key-change.ts';
import { describeTrustChange, sameTrust } from './trust-change.ts';

type Parts = { readonly audit: AuditStream; readonly log: Log };

/** Data threads judge by `next` from here on: on record with whom and what is trusted otherwise than before. */
export function recordSwap({ audit, log }: Parts, before: SnapshotData, next: SnapshotData): void {
  const policy = { revision: next.policy.revision };
  if (!sameTrust(next, before)) {
    const detail = describeTrustChange(before, next);
    audit.append({ kind: 'control', type: 'trust.change', snapshot: next.digest, detail });
  }
  for (const detail of describeKeyChanges(before, next)) {
    audit.append({ kind: 'control', type: 'keys.change', snapshot: next.digest, detail });
  }
  audit.append({
    kind: 'control',
    type: 'snapshot.swap',
    snapshot: next.digest,
    previous_snapshot: before.digest,
    policy,
  });
  log.info('snapshot.swap', { digest: next.digest, policy: next.policy.revision });
}
