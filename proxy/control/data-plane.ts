import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import { type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';
import { judgeByOrder, prepareOrder, type ThreadStart } from '../data/messages.ts';
import { releaseThread, type SharedLimitsMemory } from '../limit/shared-limits.ts';
import { besidesRules, type SnapshotData, snapshotData, stoppedAThread } from '../snapshot-data.ts';
import { beginDataThread, bootDataThread, startDataThread } from './data-thread.ts';
import type { BootedThread, DataThread, Problem, ThreadEvents } from './data-thread.ts';
import { type DeadlineWatch, deadlineOf, watchEvaluations } from './deadline.ts';
import { failuresInARow } from './failures-in-a-row.ts';
import { serially } from './serial.ts';
import { watchPulse } from './watchdog.ts';

/** Why a thread had to be replaced. */
export type Replacement = {
  readonly thread: number;
  readonly reason: 'stalled' | 'deadline' | 'crashed';
  /** Exchanges that were broken off with it. */
  readonly inFlight: number;
  readonly detail: string;
  /** Revision of the policy that held it, which need not be in force any more; where none did, of the one in force. */
  readonly policy: string;
  /** Whether that policy is marked bad for it, for the first time. */
  readonly condemned: boolean;
};

export type DataPlaneOptions = {
  readonly threads: number;
  readonly listen: ThreadStart['listen'];
  readonly limits: SharedLimitsMemory;
  readonly node: string;
  readonly stallMs: number;
  readonly snapshot: SnapshotData;
  /** What the first thread is made of; it has begun with the rules of the snapshot. */
  readonly booted: BootedThread;
  readonly svid: SvidMaterial;
  readonly report: (thread: number, report: Parameters<ThreadEvents['report']>[0]) => void;
  /** `judgedBy` is what all threads judge by from here on. */
  readonly replaced: (replacement: Replacement, judgedBy: SnapshotData) => void;
};

type Failing = {
  readonly reason: Replacement['reason'];
  readonly detail: string;
  /** The policy revision to blame. */
  readonly condemns: string | undefined;
};

/** Starts all data threads, or none. Throws ProxyError. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const plane = new DataPlane(options);
  await plane.start();
  return plane;
}

/** The data threads as one: started together, swapped together, each replaced alone. */
export class DataPlane {
  readonly #options: DataPlaneOptions;
  readonly #inTurn: ReturnType<typeof serially>;
  readonly #threads = new Map<number, DataThread>();
  readonly #heartbeats = new Map<number, HeartbeatMemory>();
  readonly #failures = failuresInARow();
  readonly #condemned = new Set<string>();
  readonly #watchdog: { readonly stop: () => void };
  readonly #deadline: DeadlineWatch;
  #snapshot: SnapshotData;
  #svid: SvidMaterial;
  #draining = false;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.#snapshot = options.snapshot;
    this.#svid = options.svid;
    this.#inTurn = serially((cause) => this.#logError(0, 'control.bug', cause));
    this.#watchdog = watchPulse(
      options.stallMs,
      () => this.#heartbeats,
      (index, { policy }) => {
        const detail = `its event loop stood still for ${options.stallMs} ms`;
        void this.#retire(this.#threads.get(index), { reason: 'stalled', detail, condemns: policy });
      },
    );
    this.#deadline = watchEvaluations(
      () => this.#heartbeats,
      (index, { policy }) => {
        const detail = `an evaluation took more than ${this.#snapshot.config.policy.engine.deadlineMs} ms`;
        void this.#retire(this.#threads.get(index), { reason: 'deadline', detail, condemns: policy });
      },
    );
    this.#deadline.set(deadlineOf(options.snapshot.config));
  }

  async start(): Promise<void> {
    const indexes = Array.from({ length: this.#options.threads }, (_, index) => index);
    const spawned = await Promise.allSettled(
      indexes.map((index) => this.#spawn(index, index === 0 ? this.#options.booted : undefined)),
    );
    const failed = spawned.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return;
    this.#stopWatching();
    await this.#all((thread) => thread.terminate());
    throw failed.reason;
  }

  /** All threads judge by the new snapshot from here on, or none does: then resolves to the problem. */
  swap(next: SnapshotData): Promise<Problem | undefined> {
    return this.#inTurn(async () => {
      const before = this.#ofCondemned(next);
      if (before !== undefined) return before;
      const all = [...this.#threads.values()];
      const order = prepareOrder(next);
      const problems = await Promise.all(all.map((thread) => thread.prepare(order)));
      // Again: a thread may have been stopped meanwhile, by a policy that is the same before and after.
      const problem = this.#ofCondemned(next) ?? problems.find((one) => one !== undefined && one !== 'gone');
      if (problem !== undefined) return problem;
      for (const thread of all) thread.send({ do: 'commit', digest: next.digest });
      this.#snapshot = next;
      this.#deadline.set(deadlineOf(next.config));
      return undefined;
    });
  }

  #ofCondemned({ policy, policyBad }: SnapshotData): Problem | undefined {
    if (policyBad !== undefined || !this.condemned(policy.revision)) return undefined;
    return { code: 'policy-bad', message: stoppedAThread };
  }

  /** Whether this policy revision has stopped a thread: it will not decide again while this process runs. */
  condemned(policyRevision: string): boolean {
    return this.#condemned.has(policyRevision);
  }

  setSvid(svid: SvidMaterial): void {
    this.#svid = svid;
    for (const thread of this.#threads.values()) thread.send({ do: 'svid', svid });
  }

  /** Has every thread report what it counted; resolves when they have, or the time is up. */
  measure(): Promise<void> {
    return this.#all((thread) => thread.measure());
  }

  /** How many threads serve: one less for each that is being replaced. */
  serving(): number {
    return this.#threads.size;
  }

  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopWatching();
    await this.#all((thread) => thread.drain());
  }

  breakOff(): void {
    for (const thread of this.#threads.values()) thread.send({ do: 'break-off' });
  }

  get heartbeats(): ReadonlyMap<number, HeartbeatMemory> {
    return this.#heartbeats;
  }

  terminate(index?: number): void {
    for (const [own, thread] of this.#threads) if (index === undefined || index === own) void thread.terminate();
  }

  #stopWatching(): void {
    this.#watchdog.stop();
    this.#deadline.stop();
  }

  async #all(task: (thread: DataThread) => Promise<void>): Promise<void> {
    await Promise.all([...this.#threads.values()].map(task));
  }

  async #spawn(index: number, first?: BootedThread): Promise<void> {
    const { limits, listen, node, report } = this.#options;
    const given = { snapshot: this.#snapshot, svid: this.#svid };
    const booted = first ?? beginDataThread(bootDataThread(index), node, given.snapshot);
    const thread: DataThread = await startDataThread(
      { limits, svid: given.svid, snapshot: besidesRules(given.snapshot), listen },
      {
        report: (message) => report(index, message),
        crashed: (detail) => void this.#retire(thread, { reason: 'crashed', detail, condemns: undefined }),
      },
      booted,
    );
    if (this.#draining) return thread.terminate();
    this.#heartbeats.set(index, thread.heartbeat);
    this.#threads.set(index, thread);
    // What changed while it was starting, it has not been told.
    for (const revision of this.#condemned) thread.send({ do: 'condemn', revision });
    if (this.#svid !== given.svid) thread.send({ do: 'svid', svid: this.#svid });
    if (this.#snapshot !== given.snapshot) thread.send(judgeByOrder(this.#snapshot));
  }

  /** At once and out of turn: whoever waits for an answer of this thread would wait in vain. */
  async #retire(thread: DataThread | undefined, { reason, detail, condemns }: Failing): Promise<void> {
    if (thread === undefined || this.#draining) return;
    const { index, heartbeat } = thread;
    if (this.#threads.get(index) !== thread) return;
    const { inFlight } = readPulse(heartbeat);
    this.#threads.delete(index);
    this.#heartbeats.delete(index);
    await thread.terminate();
    releaseThread(this.#options.limits, index);
    const condemned = condemns !== undefined && this.#condemn(condemns);
    const policy = condemns ?? this.#snapshot.policy.revision;
    this.#options.replaced({ thread: index, reason, inFlight, detail, policy, condemned }, this.#snapshot);
    this.#revive(index, this.#failures.add(index));
  }

  /**
   * Fail closed: no revision that has stopped a thread decides again, and an older one is not put back unasked. It does
   * not wait for answers as a swap does: the next thread may be stuck by now, and its successor begins with this. False
   * when it was condemned before.
   */
  #condemn(revision: string): boolean {
    if (this.condemned(revision)) return false;
    this.#condemned.add(revision);
    const inForce = this.#snapshot.policy.revision === revision;
    if (inForce) this.#snapshot = snapshotData({ ...this.#snapshot, policyBad: stoppedAThread });
    for (const thread of this.#threads.values()) {
      thread.send({ do: 'condemn', revision });
      if (inForce) thread.send(judgeByOrder(this.#snapshot));
    }
    return true;
  }

  /** A successor that cannot start, for want of descriptors or memory, is tried again, ever less often. */
  #revive(index: number, waitMs: number): void {
    const start = async () => {
      if (this.#draining) return;
      try {
        await this.#spawn(index);
      } catch (cause) {
        this.#logError(index, 'thread.start-failed', cause);
        this.#revive(index, this.#failures.add(index));
      }
    };
    setTimeout(() => void this.#inTurn(start), waitMs);
  }

  #logError(thread: number, event: string, cause: unknown): void {
    const detail = cause instanceof Error ? cause.message : String(cause);
    this.#options.report(thread, { is: 'log', level: 'error', event, fields: { thread, detail } });
  }
}
