import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Admin, openAdmin } from '../admin/admin.ts';
import { lockAuditFolder } from '../audit/folder-lock.ts';
import { type AuditStream, openAuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { Address, Config } from '../config/config.ts';
import { routesWithQuota } from '../config/restart-only.ts';
import type { World } from '../config/world.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import { createSharedLimits } from '../limit/shared-limits.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { runtimeVersions } from '../telemetry/runtime.ts';
import { claimPort } from './free-port.ts';
import { Control } from './control.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from './data-plane.ts';
import { openIdentity } from './identity.ts';
import { loadConfigFile, loadSnapshot } from './load-snapshot.ts';

export type StartOptions = {
  readonly configFile: string;
  readonly cwd: string;
  readonly version: string;
  readonly world: World;
  readonly clock: Clock;
  readonly log: Log;
};

export type RunningProxy = {
  readonly address: { readonly host: string; readonly port: number };
  readonly admin: Address | undefined;
  readonly snapshot: () => SnapshotData;
  /** Stops accepting, finishes what is in flight within `drain`, and writes the last record. Resolves to whether all finished. */
  readonly close: (why: string) => Promise<boolean>;
};

/**
 * Starts the whole proxy from one configuration file. Throws ProxyError, PolicyError or CertsError, each for a mistake
 * that an operator can correct; by then nothing runs any more.
 */
export async function startProxy(options: StartOptions): Promise<RunningProxy> {
  const { clock, log, world } = options;
  const { config, watched } = await loadConfigFile(options.configFile, world, options.cwd);
  const port = await claimPort(config.listen.host, config.listen.port);
  const lock = lockAuditFolder(config.audit.folder, clock.nowMs);
  const undo: (() => unknown)[] = [lock.release];
  try {
    const node = hostname();
    const failedAudit = new Map<string, string>();
    const audit = openControlAudit(config, node, clock, failedAudit);
    undo.push(() => audit.close());
    audit.append({ kind: 'control', type: 'proc.start', pid: process.pid, version: options.version });
    const metrics = createMetrics(vocabularyOf(config), { version: options.version, ...runtimeVersions() });
    const identity = await openIdentity(config, { clock, audit, log, metrics });
    undo.push(identity.close);
    const snapshot = await loadSnapshot(config, identity.trust(), join(config.identity.stateFolder, 'policy-cache'));
    const { revision, name } = snapshot.policy;
    const policy = { revision, name };
    audit.append({ kind: 'control', type: 'config.load', file: options.configFile, snapshot: snapshot.digest });
    audit.append({ kind: 'control', type: 'policy.load', policy, snapshot: snapshot.digest });
    const control = new Control({ ...options, watched, audit, identity, metrics, failedAudit, snapshot });
    const svid = identity.source.current();
    const plane = await startThreads(config, { host: config.listen.host, port }, { node, snapshot, svid }, control);
    undo.push(() => plane.drain());
    const admin = await openAdminOf(config, control);
    // Last: what it begins (watching, renewing, counting) nothing after it can fail and leave running.
    control.attach(plane);
    return running({ config, port, admin, control, audit, undo });
  } catch (cause) {
    for (const step of undo.reverse()) await step();
    throw cause;
  }
}

function startThreads(
  config: Config,
  listen: { readonly host: string; readonly port: number },
  given: Pick<DataPlaneOptions, 'node' | 'snapshot' | 'svid'>,
  control: Control,
): Promise<DataPlane> {
  const { threads } = config;
  const { maxIdentities, maxSingleUseTokens, stallMs } = config.limits;
  const limits = createSharedLimits({
    maxIdentities,
    threads,
    quotasPerIdentity: routesWithQuota(config),
    maxSingleUseTokens,
  });
  const { threadReported: report, threadReplaced: replaced } = control;
  return startDataPlane({ ...given, threads, listen, limits, stallMs, report, replaced });
}

function openControlAudit(config: Config, node: string, clock: Clock, failed: Map<string, string>): AuditStream {
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

async function openAdminOf(config: Config, control: Control): Promise<Admin | undefined> {
  return config.admin === 'off' ? undefined : openAdmin({ address: config.admin, state: control.adminState });
}

type Parts = {
  readonly config: Config;
  readonly port: number;
  readonly admin: Admin | undefined;
  readonly control: Control;
  readonly audit: AuditStream;
  readonly undo: readonly (() => unknown)[];
};

function running({ config, port, admin, control, audit, undo }: Parts): RunningProxy {
  return {
    address: { host: config.listen.host, port },
    admin: admin?.address,
    snapshot: control.snapshot,
    close: async (why) => {
      const finished = await control.drain(config.drainMs);
      await admin?.close();
      audit.append({ kind: 'control', type: 'proc.stop', detail: why });
      // The last steps of `undo` are what the first steps of the start opened: identity, audit, lock.
      for (const step of undo.slice(0, 3).reverse()) await step();
      return finished;
    },
  };
}
