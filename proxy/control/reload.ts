import { isDeepStrictEqual } from 'node:util';
import { PolicyError, policyErrors } from '../../policy/errors.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Config } from '../config/config.ts';
import { configInvalid } from '../config/config-invalid.ts';
import { type LoadedConfig, loadConfig } from '../config/load-config.ts';
import { restartOnlyChanges, routesWithQuota } from '../config/restart-only.ts';
import type { World } from '../config/world.ts';
import { PROXY_ERRORS, ProxyError } from '../errors.ts';
import type { PolicyBuild } from '../load-policy.ts';
import { type SnapshotData, snapshotData, stoppedAThread } from '../snapshot-data.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { DataPlane } from './data-plane.ts';
import type { Fetched, Prepared } from './fetched.ts';
import { givenNow } from './given.ts';
import type { Identity } from './identity.ts';
import { loadRules, loadSnapshot, schemaTexts } from './load-snapshot.ts';
import { mayPass } from './may-pass.ts';
import { tryPolicy } from './policy-trial.ts';
import { recordSwap } from './record-swap.ts';
import type { ToldOnce } from './told-once.ts';
import { type Attempted, trustAlone, trustFiles } from './trust-alone.ts';
import type { FileWatch } from './watch-files.ts';

export type ReloadParts = {
  readonly configFile: string;
  readonly cwd: string;
  readonly world: World;
  readonly audit: AuditStream;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly identity: Identity;
  readonly fetched: Fetched;
  readonly build: PolicyBuild;
  /** For how many routes with a quota memory was reserved at start. */
  readonly reservedQuotas: number;
  readonly follow: FileWatch['follow'];
  readonly told: ToldOnce;
};

/** Whose last reload was refused; who then puts the right file back is told that it was seen. */
const refusedLast = new WeakSet<ReloadParts>();

/**
 * Loads everything anew and swaps it in as a whole. The promise of every reload here: what fails keeps the old state in
 * force, says why in the log, a metric and the audit, and is tried again when a file changes that it had named.
 */
export async function reload(parts: ReloadParts, plane: DataPlane, before: SnapshotData): Promise<Attempted> {
  const unread: unknown[] = [];
  const world = overheard(parts.world, (cause) => unread.push(cause));
  const loaded = await loadWatched(parts, world, before);
  let type: 'config.reject' | 'policy.reject' = 'config.reject';
  let fetched: Prepared | undefined;
  try {
    if (!loaded.ok) throw configInvalid(loaded.problems, parts.cwd);
    refuseRestartOnly(before.config, loaded.config);
    refuseUnreserved(parts.reservedQuotas, loaded.config);
    fetched = await parts.fetched.prepare(loaded.config);
    const given = await givenNow({ fetched, identity: parts.identity }, loaded.config);
    type = 'policy.reject';
    const next = stillBad(plane, await loadSnapshot(await loadRules(loaded.config, parts.build), given));
    if (runsAnew(before, next)) await tryPolicy(next);
    const wasRefused = refusedLast.delete(parts);
    if (next.digest === before.digest) {
      fetched.commit();
      if (wasRefused) parts.log.info('config.unchanged', { digest: before.digest, policy: before.policy.revision });
      return { inForce: before, isWhole: true };
    }
    const problem = await plane.swap(next);
    if (problem !== undefined) throw Object.assign(new Error(problem.message), { code: problem.code });
    fetched.commit();
    accepted(parts, before, next);
    return { inForce: next, isWhole: true };
  } catch (cause) {
    // Keys, lists and roots of a refused configuration are nobody's: those in force may have the same names.
    fetched?.rollback();
    refusedLast.add(parts);
    rejected(parts, type, before, cause, fileAtFault(loaded, cause) ?? parts.configFile);
    const { inForce, isWhole } = await trustAlone(parts, plane, before);
    return { inForce, isWhole: isWhole && !(loaded.ok ? [cause] : unread).some(mayPass) };
  }
}

/**
 * What is watched before it is read cannot change unseen in between. A configuration that is refused may not even name the
 * files in which it stands whom to trust, and a change of those takes effect all the same.
 */
async function loadWatched(
  { configFile, follow }: ReloadParts,
  world: World,
  before: SnapshotData,
): Promise<LoadedConfig> {
  const loaded = await loadAnew(configFile, world, before);
  const watched = loaded.ok ? loaded.watched : [...loaded.watched, ...trustFiles(before.config)];
  return (await follow(watched)) ? loadAnew(configFile, world, before) : loaded;
}

/** The compiler of schemas stays in memory: it is loaded once there is one that the data threads have not compiled before. */
async function loadAnew(configFile: string, world: World, before: SnapshotData): Promise<LoadedConfig> {
  const loaded = await loadConfig(configFile, world, 'compiled elsewhere');
  if (loaded.ok && isDeepStrictEqual(loaded.config, before.config)) {
    const schemas = await schemaTexts(loaded.config).catch(() => undefined);
    if (isDeepStrictEqual(schemas, before.schemas)) return loaded;
  }
  return loadConfig(configFile, world);
}

/** The same world; `failed` hears what could not be read in it, of which a configuration that is refused has the words only. */
function overheard(world: World, failed: (cause: unknown) => void): World {
  const told = (cause: unknown): never => {
    failed(cause);
    throw cause;
  };
  return {
    ...world,
    readFile: (path) => world.readFile(path).catch(told),
    stat: (path) => world.stat(path).catch(told),
  };
}

/** Whether data threads will run what they have not run before. */
function runsAnew(before: SnapshotData, next: SnapshotData): boolean {
  if (next.policyBad !== undefined) return false;
  const engine = ({ config }: SnapshotData) => JSON.stringify(config.policy.engine);
  return next.policy.revision !== before.policy.revision || engine(next) !== engine(before);
}

/** A revision that has stopped a thread does not get a second chance, neither when it is put back nor with another file. */
function stillBad(plane: DataPlane, next: SnapshotData): SnapshotData {
  return plane.condemned(next.policy.revision) ? snapshotData({ ...next, policyBad: stoppedAThread }) : next;
}

function refuseRestartOnly(before: Config, after: Config): void {
  const keys = restartOnlyChanges(before, after);
  if (keys.length > 0) throw new ProxyError('config-needs-restart', `${keys.join(', ')} cannot change while running`);
}

/** Beyond the reserve an identity may find no room, and would be refused whatever its quota says. */
function refuseUnreserved(reserved: number, after: Config): void {
  const wanted = routesWithQuota(after);
  if (wanted <= reserved) return;
  const message = `routes: ${wanted} have a quota, and at start memory was reserved for ${reserved}`;
  throw new ProxyError('config-needs-restart', message);
}

/** The first file that the complaint is about, where it names one: the policy and its data are files of their own. */
function fileAtFault(loaded: LoadedConfig, cause: unknown): string | undefined {
  const named = cause instanceof PolicyError ? cause.diagnostics : loaded.ok ? [] : loaded.problems;
  const source = loaded.ok && isOfPolicy(cause) ? loaded.config.policy.source : undefined;
  return source?.kind === 'bundle' ? source.path : named.find(({ file }) => file !== '')?.file;
}

/** What a data thread finds wrong with a policy comes here as a message, with the code but without its class. */
function isOfPolicy(cause: unknown): boolean {
  if (cause instanceof PolicyError) return true;
  return cause instanceof Error && 'code' in cause && Object.hasOwn(policyErrors, String(cause.code));
}

const remedies: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...policyErrors, ...PROXY_ERRORS }).map(([code, { remedy }]) => [code, remedy]),
);

function rejected(
  parts: ReloadParts,
  type: 'config.reject' | 'policy.reject',
  before: SnapshotData,
  cause: unknown,
  file: string,
): void {
  const detail = cause instanceof Error ? cause.message : String(cause);
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : 'failed';
  parts.metrics.reloaded('rejected');
  if (!parts.told.isNews(`${type} ${reason} ${detail}`)) return;
  parts.log.error(type, { reason, detail, remedy: remedies.get(reason), file, stays: before.digest });
  parts.audit.append({
    kind: 'control',
    type,
    outcome: 'deny',
    reason,
    detail,
    file,
    snapshot: before.digest,
  });
}

function accepted(parts: ReloadParts, before: SnapshotData, next: SnapshotData): void {
  const { audit, metrics, configFile } = parts;
  metrics.reloaded('loaded');
  const { revision, name } = next.policy;
  const policy = { revision, name };
  audit.append({ kind: 'control', type: 'config.load', snapshot: next.digest, file: configFile });
  if (revision !== before.policy.revision || name !== before.policy.name) {
    audit.append({ kind: 'control', type: 'policy.load', snapshot: next.digest, policy });
  }
  recordSwap(parts, before, next);
}
