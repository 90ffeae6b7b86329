import { join } from 'node:path';
import type { AdminState } from '../admin/state.ts';
import type { Clock } from '../clock.ts';
import { routesWithQuota } from '../config/restart-only.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { DataPlane, DataPlaneOptions, Replacement } from './data-plane.ts';
import { readiness } from './readiness.ts';
import { type ReloadParts, reload } from './reload.ts';
import { serially } from './serial.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { type FileWatch, watchFiles } from './watch-files.ts';

export type ControlParts = Omit<ReloadParts, 'cacheFolder' | 'reservedQuotas' | 'follow'> & {
  readonly clock: Clock;
  readonly watched: readonly string[];
  readonly failedAudit: Map<string, string>;
  readonly snapshot: SnapshotData;
};

/** The main thread's side of a running proxy: what is in force, and everything that can change it. */
export type Control = {
  readonly snapshot: () => SnapshotData;
  readonly adminState: AdminState;
  readonly threadReported: DataPlaneOptions['report'];
  readonly threadReplaced: DataPlaneOptions['replaced'];
  /** Begins to watch files, renew the SVID and count. */
  readonly attach: (plane: DataPlane) => void;
  /** Resolves to whether everything in flight has finished in time. */
  readonly drain: (withinMs: number) => Promise<boolean>;
};

const collectMs = 1000;

export function createControl(parts: ControlParts): Control {
  const { audit, clock, failedAudit, identity, log, metrics } = parts;
  const inTurn = serially((cause) =>
    log.error('control.bug', { cause: cause instanceof Error ? cause : String(cause) }),
  );
  const stops: (() => void)[] = [];
  let { snapshot } = parts;
  let plane: DataPlane | undefined;
  let watch: FileWatch | undefined;
  let draining = false;

  const inForce = (next: SnapshotData) => {
    snapshot = next;
    metrics.setSnapshot(next.digest, next.policy.revision);
    metrics.setUnsafe(next.config.unsafe);
    metrics.setVocabulary(vocabularyOf(next.config));
  };
  const reloadParts = {
    ...parts,
    reservedQuotas: routesWithQuota(snapshot.config),
    cacheFolder: join(snapshot.config.identity.stateFolder, 'policy-cache'),
    follow: async (paths: readonly string[]) => (await watch?.follow([...paths, ...identity.watched])) ?? false,
  };
  const filesChanged = () =>
    void inTurn(async () => {
      if (plane === undefined || draining) return;
      const before = snapshot;
      const next = await reload(reloadParts, plane, before);
      // Not compared with what is in force by now: that may have been marked bad in between.
      if (next !== before) inForce(next);
    });

  return {
    snapshot: () => snapshot,
    adminState: {
      ready: () =>
        readiness({
          snapshot,
          svid: identity.source.current(),
          nowMs: clock.nowMs(),
          failedAudit,
          threadsComplete: plane?.complete() ?? false,
          draining,
        }),
      metrics: async () => {
        await plane?.measure();
        return metrics.expose();
      },
      snapshot: () => describeSnapshot(snapshot, identity.source.current()),
      onCall: ({ method, target, status, remote, reason }) =>
        audit.append({
          kind: 'control',
          type: 'admin.call',
          outcome: status < 400 ? 'allow' : 'deny',
          actor: remote,
          command: `${method} ${target}`,
          reason,
        }),
    },
    threadReported: (thread, report) => {
      if (report.is === 'log') return log[report.level](report.event, report.fields);
      if (report.is === 'measured') return metrics.absorb(thread, report.delta);
      if (report.state === 'failed') failedAudit.set(`data-${thread}`, report.why ?? 'failed');
      else failedAudit.delete(`data-${thread}`);
      log[report.state === 'failed' ? 'error' : 'info'](`audit.${report.state}`, { thread, why: report.why });
    },
    threadReplaced: (replacement, judgedBy) => {
      // Its successor opens the stream anew and says so only if it fails.
      failedAudit.delete(`data-${replacement.thread}`);
      const condemned = judgedBy.policyBad !== snapshot.policyBad;
      recordReplacement(parts, replacement, { revision: snapshot.policy.revision, condemned });
      if (condemned) inForce(judgedBy);
    },
    attach: (started) => {
      plane = started;
      inForce(snapshot);
      metrics.setThreads(snapshot.config.threads);
      metrics.setSvidExpiry(identity.source.current().notAfterMs);
      watch = watchFiles([...parts.watched, ...identity.watched], filesChanged);
      const counting = setInterval(() => void started.measure(), collectMs).unref();
      const unsubscribe = identity.source.subscribe((svid) => {
        started.setSvid(svid);
        metrics.setSvidExpiry(svid.notAfterMs);
      });
      // It may have been renewed while the threads were starting.
      started.setSvid(identity.source.current());
      stops.push(watch.stop, unsubscribe, () => clearInterval(counting));
    },
    drain: async (withinMs) => {
      draining = true;
      for (const stop of stops) stop();
      return plane === undefined || finishWithin(plane, withinMs);
    },
  };
}

type JudgedPolicy = { readonly revision: string; readonly condemned: boolean };

function recordReplacement(
  { audit, log, metrics }: ControlParts,
  replacement: Replacement,
  { revision, condemned }: JudgedPolicy,
): void {
  const { thread, reason, inFlight } = replacement;
  const detail = `${replacement.detail}; ${inFlight} exchanges were broken off`;
  const policy = { revision };
  metrics.threadReplaced(reason);
  metrics.threadEnded(thread);
  log.error('thread.replaced', { thread, reason, detail });
  audit.append({ kind: 'control', type: 'thread.replaced', outcome: 'error', thread, reason, detail, policy });
  if (condemned) audit.append({ kind: 'control', type: 'policy.bad', outcome: 'error', reason, policy });
}

/** What a thread may take to record what was broken off, before it is ended wherever it is. */
const obeyMs = 1000;

/** Whatever has not finished by then is broken off, but still gets its record. A thread that is stuck is ended. */
async function finishWithin(plane: DataPlane, withinMs: number): Promise<boolean> {
  let finished = true;
  let disobeyed: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    finished = false;
    plane.breakOff();
    disobeyed = setTimeout(plane.terminate, obeyMs);
  }, withinMs);
  await plane.drain();
  clearTimeout(timer);
  clearTimeout(disobeyed);
  return finished;
}
