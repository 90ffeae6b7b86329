import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { SnapshotData } from '../snapshot-data.ts';

/** What is in force, for the admin address: digests and names, no secrets and no rules. */
export function describeSnapshot(
  { digest, config, policy, policyBad, trust }: SnapshotData,
  svid: SvidMaterial,
): unknown {
  return {
    digest,
    policy: {
      revision: policy.revision,
      name: policy.name ?? null,
      entrypoint: policy.entrypoint,
      engine: config.policy.engine.engine,
      bad: policyBad ?? null,
    },
    routes: config.routes.map(({ name, methods, path }) => ({ name, methods, path })),
    trust_domains: trust.map(({ trustDomain, rootsPem }) => ({ name: trustDomain, roots: rootsPem.length })),
    svid: { spiffe_id: svid.spiffeId, serial: svid.serial, not_after: new Date(svid.notAfterMs).toISOString() },
    audit: config.audit.mode,
    threads: config.threads,
    unsafe: config.unsafe,
  };
}
