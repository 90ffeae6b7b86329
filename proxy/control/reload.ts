import type { ControlEvent } from '../audit/catalogue.ts';
import type { AuditStream } from '../audit/stream.ts';
import { restartOnlyChanges } from '../config/restart-only.ts';
import type { World } from '../config/world.ts';
import { ProxyError } from '../errors.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DataPlane } from './data-plane.ts';
import type { Identity } from './identity.ts';
import { type LoadedFile, loadConfigFile, loadSnapshot } from './load-snapshot.ts';

export type ReloadParts = {
  readonly configFile: string;
  readonly cwd: string;
  readonly world: World;
  readonly audit: AuditStream;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly identity: Identity;
  readonly cacheFolder: string;
};

export type Reloaded = { readonly snapshot: SnapshotData; readonly watched: readonly string[] };

/**
 * Loads everything anew and swaps it in as a whole. The promise of every reload here: what fails keeps the old state in
 * force, and says why in the log, a metric and the audit. Resolves to undefined when nothing was put into force.
 */
export async function reload(
  parts: ReloadParts,
  plane: DataPlane,
  before: SnapshotData,
): Promise<Reloaded | undefined> {
  let loaded: LoadedFile;
  let next: SnapshotData;
  try {
    loaded = await loadConfigFile(parts.configFile, parts.world, parts.cwd);
    refuseRestartOnly(before, loaded);
  } catch (cause) {
    return rejected(parts, 'config.reject', before, cause);
  }
  try {
    next = await loadSnapshot(loaded.config, parts.identity.trust(), parts.cacheFolder);
  } catch (cause) {
    return rejected(parts, 'policy.reject', before, cause);
  }
  if (next.digest === before.digest) return { snapshot: before, watched: loaded.watched };
  const problem = await plane.swap(next);
  if (problem !== undefined) return rejected(parts, 'config.reject', before, new Error(problem));
  accepted(parts, before, next);
  return { snapshot: next, watched: loaded.watched };
}

function refuseRestartOnly(before: SnapshotData, { config }: LoadedFile): void {
  const keys = restartOnlyChanges(before.config, config);
  if (keys.length > 0) throw new ProxyError('config-needs-restart', `${keys.join(', ')} cannot change while running`);
}

function rejected(
  parts: ReloadParts,
  type: 'config.reject' | 'policy.reject',
  before: SnapshotData,
  cause: unknown,
): undefined {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed';
  parts.metrics.reloaded('rejected');
  parts.log.error(type, { reason, detail, stays: before.digest });
  parts.audit.append({
    kind: 'control',
    type,
    outcome: 'deny',
    reason,
    detail,
    file: parts.configFile,
    snapshot: before.digest,
  });
}

function accepted({ audit, log, metrics, configFile }: ReloadParts, before: SnapshotData, next: SnapshotData): void {
  metrics.reloaded('loaded');
  const policy = { revision: next.policy.revision };
  const event = (type: ControlEvent['type'], facts: Partial<ControlEvent>) =>
    audit.append({ ...facts, kind: 'control', type, snapshot: next.digest });
  event('config.load', { file: configFile });
  if (next.policy.revision !== before.policy.revision) event('policy.load', { policy });
  if (JSON.stringify(next.trust) !== JSON.stringify(before.trust)) event('trust.change', {});
  event('snapshot.swap', { previous_snapshot: before.digest, policy });
  log.info('snapshot.swap', { digest: next.digest, policy: next.policy.revision });
}
