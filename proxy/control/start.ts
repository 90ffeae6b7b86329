import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Admin, openAdmin } from '../admin/admin.ts';
import type { AdminState } from '../admin/state.ts';
import { lockAuditFolder } from '../audit/folder-lock.ts';
import type { AuditStream } from '../audit/stream.ts';
import { watchDisk } from '../audit/watch-disk.ts';
import type { Clock } from '../clock.ts';
import type { Address, Config } from '../config/config.ts';
import { routesWithQuota } from '../config/restart-only.ts';
import type { World } from '../config/world.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import { verifyInstallation } from '../installation.ts';
import { createSharedLimits } from '../limit/shared-limits.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { Log } from '../telemetry/log.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import { runtimeVersions } from '../telemetry/runtime.ts';
import { claimPort } from './free-port.ts';
import { Control } from './control.ts';
import { adminCalls, openControlAudit } from './control-audit.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from './data-plane.ts';
import { beginDataThread, type BootedThread, bootDataThread } from './data-thread.ts';
import { openFetched } from './fetched.ts';
import { openIdentity } from './identity.ts';
import { loadConfigFile, loadRules, loadSnapshot } from './load-snapshot.ts';
import { givenNow } from './given.ts';
import { starting } from './starting.ts';
import type { ServedParts } from '../workload-api/serve-local-ca.ts';

export type StartOptions = {
  readonly configFile: string;
  readonly cwd: string;
  readonly version: string;
  readonly world: World;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether a policy compiler stays between two edits. */
  readonly standbyCompiler?: boolean;
  /** Who has one already saves the time that it takes to load. It ends with a start that fails. */
  readonly booted?: BootedThread;
  /** Ends a start that waits for its identity: it rejects then. */
  readonly stop?: AbortSignal;
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
 * that an operator can correct, or the reason of `stop`; by then nothing runs any more.
 */
export async function startProxy(options: StartOptions): Promise<RunningProxy> {
  const { booted = bootDataThread(), configFile, world, cwd } = options;
  try {
    return await startWith(booted, options);
  } catch (cause) {
    await booted.worker.terminate();
    // A data thread that cannot compile a schema does not know where it stands.
    if (cause !== options.stop?.reason) await loadConfigFile(configFile, world, cwd);
    throw cause;
  }
}

async function startWith(booted: BootedThread, options: StartOptions): Promise<RunningProxy> {
  const { clock, log, world, stop = new AbortController().signal } = options;
  const { config, watched } = await loadConfigFile(options.configFile, world, options.cwd, 'compiled elsewhere');
  const own = await beginInstallation(config, log);
  const fips = await beginFips(config, clock, log);
  const port = await claimPort(config.listen.host, config.listen.port);
  const lock = lockAuditFolder(config.audit.folder, clock.nowMs);
  const undo: (() => unknown)[] = [lock.release];
  try {
    const node = hostname();
    const failedAudit = new Map<string, string>();
    const audit = openControlAudit(config, node, clock, failedAudit);
    undo.push(() => audit.close());
    const detail = [fips, own].filter((each) => each !== undefined).join('; ') || undefined;
    audit.append({ kind: 'control', type: 'proc.start', pid: process.pid, version: options.version, detail });
    const metrics = createMetrics(vocabularyOf(config), { version: options.version, ...runtimeVersions() });
    const unwatchDisk = watchDisk(config.audit.folder, { audit, log, used: metrics.setAuditDiskUsed });
    undo.push(unwatchDisk);
    const begun = starting({ metrics: metrics.expose, onCall: adminCalls(audit) });
    // Before the identity, for which it may have to wait: who looks is told so.
    const admin = await openAdminOf(config, begun.state);
    undo.push(async () => admin?.close());
    const standby = options.standbyCompiler === true ? await standbyCompiler() : undefined;
    undo.push(() => standby?.end());
    const build = { cacheFolder: join(config.identity.stateFolder, 'policy-cache'), compiler: { standby } };
    const begin = async () => {
      const loaded = await loadRules(config, build);
      beginDataThread(booted, node, loaded);
      return loaded;
    };
    // Compiled in the data thread while we get our identity; unless an agent may keep us waiting, and the policy changes meanwhile.
    const early = config.identity.source.kind === 'workload-api' ? undefined : await begin();
    const { waitingFor: waiting } = begun;
    const identity = await openIdentity(config, { clock, audit, log, metrics, waiting, stop });
    undo.push(identity.close);
    const rules = early ?? (await begin());
    // Again: somebody may have come while we waited.
    await claimPort(config.listen.host, port);
    const fetched = openFetched({ clock, audit, log, metrics });
    undo.push(fetched.close);
    await fetched.follow(config);
    const federation = { current: fetched.bundles, watch: fetched.watchBundles };
    const served = await serveInside(config, { clock, log, audit, federation });
    undo.push(() => served?.close());
    const given = await givenNow({ fetched, identity }, config);
    const snapshot = await loadSnapshot(rules, given);
    const { revision, name } = snapshot.policy;
    const policy = { revision, name };
    audit.append({ kind: 'control', type: 'config.load', file: options.configFile, snapshot: snapshot.digest });
    audit.append({ kind: 'control', type: 'policy.load', policy, snapshot: snapshot.digest });
    const control = new Control({
      ...options,
      build,
      watched,
      audit,
      identity,
      fetched,
      metrics,
      failedAudit,
      snapshot,
    });
    const svid = identity.source.current();
    const plane = await startThreads(
      config,
      { host: config.listen.host, port },
      { booted, node, snapshot, svid },
      control,
    );
    undo.push(() => plane.drain());
    begun.done(control.adminState);
    // Last: what it begins (watching, renewing, counting) nothing after it can fail and leave running.
    control.attach(plane);
    standby?.prepare();
    const closeRest = [
      () => standby?.end(),
      () => served?.close(),
      fetched.close,
      identity.close,
      unwatchDisk,
      () => audit.close(),
      lock.release,
    ];
    return running({ config, port, admin, control, audit, closeRest });
  } catch (cause) {
    for (const step of undo.reverse()) await step();
    throw cause;
  }
}

/** Whether our own files are the signed ones, said to the operator; for the audit, too. Throws ProxyError when they are not. */
async function beginInstallation({ installation, profile }: Config, log: Log): Promise<string | undefined> {
  if (installation === undefined && profile === 'standard') return undefined;
  const statement = installation && (await verifyInstallation(installation));
  if (statement === undefined) log.warn('installation', { statement: notVerified });
  else log.info('installation', { statement });
  return statement ?? notVerified;
}

const notVerified = 'own files are not verified: `installation` does not say who has signed them';

/** Whether what FIPS asks for is in force, said to the operator; for the audit, too. Throws ProxyError when it is not. */
async function beginFips({ profile }: Config, { nowMs }: Clock, log: Log): Promise<string | undefined> {
  if (profile !== 'fips') return undefined;
  // Loaded for who asks for it, with what signs certificates.
  const { checkFips } = await import('../fips/self-check.ts');
  const { validated, statement } = await checkFips(nowMs());
  const say = validated === 'no' ? log.warn : log.info;
  say('fips', { validated, statement });
  return `profile fips: ${statement}`;
}

/** For who is writing policies: it starts processes. */
async function standbyCompiler() {
  const compiler = await import('../../policy/compiler/standby.ts');
  return compiler.standbyCompiler();
}

/** The Workload API of the local CA, for who asks for it: gRPC stays in the memory of the process. */
async function serveInside({ workloadApi: config }: Config, parts: Omit<ServedParts, 'config'>) {
  if (config === undefined) return undefined;
  const { serveLocalCa } = await import('../workload-api/serve-local-ca.ts');
  return serveLocalCa({ ...parts, config });
}

function startThreads(
  config: Config,
  listen: { readonly host: string; readonly port: number },
  given: Pick<DataPlaneOptions, 'booted' | 'node' | 'snapshot' | 'svid'>,
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

async function openAdminOf({ admin: address }: Config, state: AdminState): Promise<Admin | undefined> {
  return address === 'off' ? undefined : openAdmin({ address, state });
}

type Parts = {
  readonly config: Config;
  readonly port: number;
  readonly admin: Admin | undefined;
  readonly control: Control;
  readonly audit: AuditStream;
  /** What stays open to the end, in the order in which it is closed. */
  readonly closeRest: readonly (() => unknown)[];
};

function running({ config, port, admin, control, audit, closeRest }: Parts): RunningProxy {
  return {
    address: { host: config.listen.host, port },
    admin: admin?.address,
    snapshot: control.snapshot,
    close: async (why) => {
      const finished = await control.drain(config.drainMs);
      await admin?.close();
      audit.append({ kind: 'control', type: 'proc.stop', detail: why });
      for (const step of closeRest) await step();
      return finished;
    },
  };
}
