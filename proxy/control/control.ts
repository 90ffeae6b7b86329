import type { AdminState, Condition } from '../admin/state.ts';
import type { Clock } from '../clock.ts';
import { routesWithQuota } from '../config/restart-only.ts';
import { vocabularyOf } from '../data/vocabulary.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { DataPlane, DataPlaneOptions, Replacement } from './data-plane.ts';
import { finishWithin } from './finish-within.ts';
import { watchOwnValidity } from './own-validity.ts';
import { readiness } from './readiness.ts';
import { type ReloadParts, reload } from './reload.ts';
import { serially } from './serial.ts';
import { describeSnapshot } from './describe-snapshot.ts';
import { toldOnce } from './told-once.ts';
import { type TryAgain, tryAgain } from './try-again.ts';
import { type FileWatch, watchFiles } from './watch-files.ts';

export type ControlParts = Omit<ReloadParts, 'reservedQuotas' | 'follow' | 'told'> & {
  readonly clock: Clock;
  readonly watched: readonly string[];
  readonly failedAudit: Map<string, string>;
  readonly snapshot: SnapshotData;
};

const collectMs = 1000;

/** The main thread's side of a running proxy: what is in force, and everything that can change it. */
export class Control {
  readonly #parts: ControlParts;
  readonly #reloadParts: ReloadParts;
  readonly #inTurn: ReturnType<typeof serially>;
  readonly #tryAgain: TryAgain;
  readonly #stops: (() => void)[] = [];
  #snapshot: SnapshotData;
  #plane: DataPlane | undefined;
  #watch: FileWatch | undefined;
  #draining = false;

  constructor(parts: ControlParts) {
    const { identity, log, snapshot } = parts;
    this.#parts = parts;
    this.#snapshot = snapshot;
    this.#inTurn = serially((cause) =>
      log.error('control.bug', { cause: cause instanceof Error ? cause : String(cause) }),
    );
    this.#tryAgain = tryAgain(() => this.#load());
    this.#reloadParts = {
      ...parts,
      reservedQuotas: routesWithQuota(snapshot.config),
      told: toldOnce(),
      follow: async (paths) => (await this.#watch?.follow([...paths, ...identity.watched])) ?? false,
    };
  }

  readonly snapshot = (): SnapshotData => this.#snapshot;

  readonly adminState: Omit<AdminState, 'onCall'> = {
    ready: () => this.#readiness(),
    metrics: async () => {
      await this.#plane?.measure();
      this.#parts.metrics.setThreads(this.#serving());
      return this.#parts.metrics.expose();
    },
    snapshot: () => describeSnapshot(this.#snapshot, this.#parts.identity.source.current()),
  };

  readonly threadReported: DataPlaneOptions['report'] = (thread, report) => {
    const { failedAudit, fetched, log, metrics } = this.#parts;
    if (report.is === 'log') return log[report.level](report.event, report.fields);
    if (report.is === 'measured') {
      for (const issuer of report.delta.unknownKeysOf) fetched.keyIsMissing(issuer);
      return metrics.absorb(thread, report.delta);
    }
    if (report.is === 'differed') return recordDifference(this.#parts, thread, report);
    if (report.state === 'failed') failedAudit.set(`data-${thread}`, report.why ?? 'failed');
    else failedAudit.delete(`data-${thread}`);
    log[report.state === 'failed' ? 'error' : 'info'](`audit.${report.state}`, { thread, why: report.why });
  };

  readonly threadReplaced: DataPlaneOptions['replaced'] = (replacement, judgedBy) => {
    // Its successor opens the stream anew and says so only if it fails.
    this.#parts.failedAudit.delete(`data-${replacement.thread}`);
    recordReplacement(this.#parts, replacement);
    if (judgedBy.policyBad !== this.#snapshot.policyBad) this.#putInForce(judgedBy);
  };

  /** Begins to watch files, renew the SVID and count. */
  attach(plane: DataPlane): void {
    const { audit, clock, fetched, identity, log, metrics, watched } = this.#parts;
    this.#plane = plane;
    this.#putInForce(this.#snapshot);
    metrics.setSvidExpiry(identity.source.current().notAfterMs);
    const watch = watchFiles([...watched, ...identity.watched], () => this.#filesChanged());
    this.#watch = watch;
    const lookAtOwn = watchOwnValidity({ source: identity.source, nowMs: clock.nowMs, audit, log });
    const counting = setInterval(() => {
      lookAtOwn();
      void plane.measure();
    }, collectMs).unref();
    const unsubscribe = identity.source.subscribe((svid) => {
      plane.setSvid(svid);
      metrics.setSvidExpiry(svid.notAfterMs);
    });
    // It may have been renewed while the threads were starting.
    plane.setSvid(identity.source.current());
    const unwatch = identity.watchTrust(() => this.#filesChanged());
    const unwatchFetched = fetched.watch(() => this.#filesChanged());
    this.#stops.push(watch.stop, unsubscribe, unwatch, unwatchFetched, this.#tryAgain.stop);
    this.#stops.push(() => clearInterval(counting));
  }

  /** Resolves to whether everything in flight has finished in time. */
  async drain(withinMs: number): Promise<boolean> {
    this.#draining = true;
    for (const stop of this.#stops) stop();
    return this.#plane === undefined || finishWithin(this.#plane, withinMs);
  }

  #serving(): number {
    return this.#plane?.serving() ?? 0;
  }

  #readiness(): readonly Condition[] {
    const { clock, failedAudit, identity } = this.#parts;
    return readiness({
      snapshot: this.#snapshot,
      svid: identity.source.current(),
      nowMs: clock.nowMs(),
      failedAudit,
      threadsComplete: this.#serving() === this.#snapshot.config.threads,
      draining: this.#draining,
    });
  }

  #putInForce(next: SnapshotData): void {
    const { metrics } = this.#parts;
    this.#snapshot = next;
    metrics.setSnapshot(next.digest, next.policy.revision);
    metrics.setUnsafe(next.config.unsafe);
    metrics.setRevocationLists(endsOf(next));
    metrics.setVocabulary(vocabularyOf(next.config));
  }

  /** Who changes something hears what is wrong with it, even when it is the same as before. */
  #filesChanged(): void {
    void this.#inTurn(async () => this.#reloadParts.told.forget());
    this.#load();
  }

  #load(): void {
    void this.#inTurn(async () => {
      if (this.#plane === undefined || this.#draining) return;
      await this.#parts.identity.lookAgain();
      const before = this.#snapshot;
      const { inForce, isWhole } = await reload(this.#reloadParts, this.#plane, before);
      // Not compared with what is in force by now: that may have been marked bad in between.
      if (inForce !== before) this.#putInForce(inForce);
      this.#tryAgain.attempted(isWhole);
    });
  }
}

/** When the first list of each source ends. */
function endsOf({ lists }: SnapshotData): ReadonlyMap<string, number | undefined> {
  return new Map(
    lists.map(({ source, crls }) => [source, crls && Math.min(...crls.map(({ nextUpdateMs }) => nextUpdateMs))]),
  );
}

function recordReplacement({ audit, log, metrics }: ControlParts, replacement: Replacement): void {
  const { thread, reason, inFlight, condemned } = replacement;
  const detail = `${replacement.detail}; ${inFlight} exchanges were broken off`;
  const policy = { revision: replacement.policy };
  metrics.threadReplaced(reason);
  metrics.threadEnded(thread);
  log.error('thread.replaced', { thread, reason, detail });
  audit.append({ kind: 'control', type: 'thread.replaced', outcome: 'error', thread, reason, detail, policy });
  if (condemned) audit.append({ kind: 'control', type: 'policy.bad', outcome: 'error', reason, policy });
}

function recordDifference(
  { audit, log }: ControlParts,
  thread: number,
  { difference, revision }: Extract<Parameters<DataPlaneOptions['report']>[1], { is: 'differed' }>,
): void {
  const { requestId, decided, reference } = difference;
  const detail = `plan: ${decided}; wasm: ${reference}`;
  log.error('policy.differ', { thread, request: requestId, detail, policy: revision });
  audit.append({
    kind: 'control',
    type: 'policy.differ',
    outcome: 'error',
    thread,
    request: requestId,
    detail,
    policy: { revision },
  });
}
