import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { Condition } from '../admin/state.ts';
import type { SnapshotData } from '../snapshot-data.ts';

export type ReadinessFacts = {
  readonly snapshot: SnapshotData;
  readonly svid: SvidMaterial;
  readonly nowMs: number;
  /** Streams whose records cannot be written, with the reason. */
  readonly failedAudit: ReadonlyMap<string, string>;
  readonly threadsComplete: boolean;
  readonly draining: boolean;
};

/** What must hold before requests may come. Traffic is sent elsewhere while one of these does not (SC-24). */
export function readiness(facts: ReadinessFacts): readonly Condition[] {
  const { snapshot, svid, nowMs, failedAudit, threadsComplete, draining } = facts;
  const [audit] = failedAudit;
  const awaited = snapshot.lists.find(({ crls }) => crls === undefined)?.source;
  const required = snapshot.config.audit.mode === 'required';
  return [
    condition('policy', snapshot.policyBad),
    condition('identity', nowMs <= svid.notAfterMs ? undefined : 'the own SVID has expired'),
    condition('revocation', awaited === undefined ? undefined : `no list has come from ${awaited} yet`),
    condition('audit', audit !== undefined && required ? `${audit[0]}: ${audit[1]}` : undefined),
    condition('listener', draining ? 'draining' : threadsComplete ? undefined : 'a data thread is being replaced'),
  ];
}

function condition(name: string, detail: string | undefined): Condition {
  return detail === undefined ? { name, ok: true } : { name, ok: false, detail };
}
