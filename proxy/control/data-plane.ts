import type { SvidMaterial } from '../../certs/svid-source.ts';
import { createHeartbeat, type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';
import { prepareOrder, type ThreadStart } from '../data/messages.ts';
import { releaseThread, type SharedLimitsMemory } from '../limit/shared-limits.ts';
import { type SnapshotData, snapshotData } from '../snapshot-data.ts';
import { type DataThread, type Problem, startDataThread, type ThreadEvents } from './data-thread.ts';
import { serially } from './serial.ts';
import { watchPulse } from './watchdog.ts';

/** Why a snapshot's policy decides nothing any more. */
export const stoppedAThread = 'this policy revision stopped a data thread';

/** How long to wait before a successor is tried (again): after the first failure in a row, and at most. */
const retryMs = { first: 100, most: 10_000 } as const;
/** A thread that lived this long has not failed in a row. */
const settledMs = 10_000;

/** Why a thread had to be replaced. */
export type Replacement = {
  readonly thread: number;
  readonly reason: 'stalled' | 'crashed';
  /** Exchanges that were broken off with it. */
  readonly inFlight: number;
  readonly detail: string;
};

export type DataPlaneOptions = {
  readonly threads: number;
  readonly listen: ThreadStart['listen'];
  readonly limits: SharedLimitsMemory;
  readonly node: string;
  readonly stallMs: number;
  readonly snapshot: SnapshotData;
  readonly svid: SvidMaterial;
  readonly report: (thread: number, report: Parameters<ThreadEvents['report']>[0]) => void;
  /** `judgedBy` is what all threads judge by from here on: the policy is bad in it when it was that which stood still. */
  readonly replaced: (replacement: Replacement, judgedBy: SnapshotData) => void;
};

export type DataPlane = {
  /** All threads judge by the new snapshot from here on, or none does: then resolves to the problem. */
  readonly swap: (snapshot: SnapshotData) => Promise<Problem | undefined>;
  /** Whether this policy revision has stopped a thread: it will not decide again while this process runs. */
  readonly condemned: (policyRevision: string) => boolean;
  readonly setSvid: (svid: SvidMaterial) => void;
  /** Has every thread report what it counted; resolves when they have, or the time is up. */
  readonly measure: () => Promise<void>;
  /** False while a thread is being replaced. */
  readonly complete: () => boolean;
  readonly drain: () => Promise<void>;
  readonly breakOff: () => void;
  /** For threads that no longer obey. */
  readonly terminate: () => void;
};

/** The data threads as one: started together, swapped together, each replaced alone. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const inTurn = serially((cause) => {
    const detail = cause instanceof Error ? cause.message : String(cause);
    options.report(0, { is: 'log', level: 'error', event: 'control.bug', fields: { detail } });
  });
  const threads = new Map<number, DataThread>();
  const heartbeats = new Map<number, HeartbeatMemory>();
  const failures = failuresInARow();
  const condemned = new Set<string>();
  let { snapshot, svid } = options;
  let draining = false;

  const spawn = async (index: number) => {
    const heartbeat = createHeartbeat();
    const { limits, listen, node } = options;
    const given = { snapshot, svid };
    const thread: DataThread = await startDataThread(
      { index, limits, heartbeat, ...given, listen, node },
      {
        report: (report) => options.report(index, report),
        crashed: (detail) => void retire(thread, { reason: 'crashed', detail, condemns: undefined }),
      },
    );
    if (draining) return thread.terminate();
    heartbeats.set(index, heartbeat);
    threads.set(index, thread);
    // What changed while it was starting, it has not been told.
    if (svid !== given.svid) thread.send({ do: 'svid', svid });
    if (snapshot !== given.snapshot) judgeBy(thread, snapshot);
  };

  type Failing = {
    readonly reason: Replacement['reason'];
    readonly detail: string;
    readonly condemns: string | undefined;
  };

  /** At once and out of turn: whoever waits for an answer of this thread would wait in vain. */
  const retire = async (thread: DataThread, { reason, detail, condemns }: Failing) => {
    const { index } = thread.start;
    if (threads.get(index) !== thread || draining) return;
    const { inFlight } = readPulse(thread.start.heartbeat);
    threads.delete(index);
    heartbeats.delete(index);
    await thread.terminate();
    releaseThread(options.limits, index);
    if (condemns !== undefined) condemn(condemns);
    options.replaced({ thread: index, reason, inFlight, detail }, snapshot);
    revive(index, failures.add(index));
  };

  /**
   * Fail closed: no revision that has stopped a thread decides again, and an older one is not put back unasked. It does
   * not wait for answers as a swap does: the next thread may be stuck by now, and its successor begins with this.
   */
  const condemn = (revision: string) => {
    condemned.add(revision);
    if (snapshot.policyBad !== undefined || snapshot.policy.revision !== revision) return;
    snapshot = snapshotData({ ...snapshot, policyBad: stoppedAThread });
    for (const thread of threads.values()) judgeBy(thread, snapshot);
  };

  /** A successor that cannot start, for want of descriptors or memory, is tried again, ever less often. */
  const revive = (index: number, waitMs: number): void => {
    const start = async () => {
      if (draining) return;
      try {
        await spawn(index);
      } catch (cause) {
        const detail = cause instanceof Error ? cause.message : String(cause);
        const fields = { thread: index, detail };
        options.report(index, { is: 'log', level: 'error', event: 'thread.start-failed', fields });
        revive(index, failures.add(index));
      }
    };
    setTimeout(() => void inTurn(start), waitMs);
  };

  const watchdog = watchPulse(
    options.stallMs,
    () => heartbeats,
    (index, { inPolicy }) => {
      const thread = threads.get(index);
      const detail = `its event loop stood still for ${options.stallMs} ms`;
      const condemns = inPolicy ? snapshot.policy.revision : undefined;
      if (thread !== undefined) void retire(thread, { reason: 'stalled', detail, condemns });
    },
  );

  const spawned = await Promise.allSettled(Array.from({ length: options.threads }, (_, index) => spawn(index)));
  const failed = spawned.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    watchdog.stop();
    await Promise.all([...threads.values()].map((thread) => thread.terminate()));
    throw failed.reason;
  }
  return {
    swap: (next) =>
      inTurn(async () => {
        if (next.policyBad === undefined && condemned.has(next.policy.revision)) {
          return { code: 'policy-bad', message: stoppedAThread };
        }
        const all = [...threads.values()];
        const order = prepareOrder(next);
        const problems = await Promise.all(all.map((thread) => thread.prepare(order)));
        const problem = problems.find((one) => one !== undefined && one !== 'gone');
        if (problem !== undefined) return problem;
        for (const thread of all) thread.send({ do: 'commit', digest: next.digest });
        snapshot = next;
        return undefined;
      }),
    condemned: (revision) => condemned.has(revision),
    setSvid: (next) => {
      svid = next;
      for (const thread of threads.values()) thread.send({ do: 'svid', svid });
    },
    measure: async () => {
      await Promise.all([...threads.values()].map((thread) => thread.measure()));
    },
    complete: () => threads.size === options.threads,
    drain: async () => {
      draining = true;
      watchdog.stop();
      await Promise.all([...threads.values()].map((thread) => thread.drain()));
    },
    breakOff: () => {
      for (const thread of threads.values()) thread.send({ do: 'break-off' });
    },
    terminate: () => {
      for (const thread of threads.values()) void thread.terminate();
    },
  };
}

function judgeBy(thread: DataThread, snapshot: SnapshotData): void {
  thread.send(prepareOrder(snapshot));
  thread.send({ do: 'commit', digest: snapshot.digest });
}

/** How long to wait before the next try: nothing after a first failure, ever longer while they follow each other. */
function failuresInARow() {
  const counts = new Map<number, { count: number; forget: NodeJS.Timeout }>();
  return {
    add: (index: number): number => {
      const before = counts.get(index);
      clearTimeout(before?.forget);
      const count = (before?.count ?? 0) + 1;
      counts.set(index, { count, forget: setTimeout(() => counts.delete(index), settledMs).unref() });
      return count === 1 ? 0 : Math.min(retryMs.first * 2 ** (count - 2), retryMs.most);
    },
  };
}
