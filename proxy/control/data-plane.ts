import type { SvidMaterial } from '../../certs/svid-source.ts';
import { createHeartbeat, type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';
import type { ThreadStart } from '../data/messages.ts';
import { releaseThread, type SharedLimitsMemory } from '../limit/shared-limits.ts';
import { type SnapshotData, snapshotData } from '../snapshot-data.ts';
import type { MeasurementDelta } from '../telemetry/measurements.ts';
import { type DataThread, startDataThread, type ThreadEvents } from './data-thread.ts';
import { serially } from './serial.ts';
import { watchPulse } from './watchdog.ts';

/** Why a snapshot's policy decides nothing any more. */
export const stoppedAThread = 'this policy revision stopped a data thread';

/** How long to wait before a successor that could not start is tried again: at first, and at most. */
const retryMs = { first: 100, most: 10_000 } as const;

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
  readonly swap: (snapshot: SnapshotData) => Promise<string | undefined>;
  /** Whether this policy revision has stopped a thread: it will not decide again while this process runs. */
  readonly condemned: (policyRevision: string) => boolean;
  readonly setSvid: (svid: SvidMaterial) => void;
  readonly measure: () => Promise<readonly (readonly [thread: number, delta: MeasurementDelta])[]>;
  /** False while a thread is being replaced. */
  readonly complete: () => boolean;
  readonly drain: () => Promise<void>;
  readonly breakOff: () => void;
};

/** The data threads as one: started together, swapped together, each replaced alone. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const inTurn = serially();
  const threads = new Map<number, DataThread>();
  const heartbeats = new Map<number, HeartbeatMemory>();
  const condemned = new Set<string>();
  let { snapshot, svid } = options;
  let draining = false;

  const spawn = async (index: number) => {
    const heartbeat = createHeartbeat();
    const { limits, listen, node } = options;
    const thread = await startDataThread(
      { index, limits, heartbeat, snapshot, svid, listen, node },
      {
        report: (report) => options.report(index, report),
        crashed: (detail) => void replace(index, 'crashed', detail),
      },
    );
    heartbeats.set(index, heartbeat);
    threads.set(index, thread);
  };

  const replace = (index: number, reason: Replacement['reason'], detail: string) =>
    inTurn(async () => {
      const thread = threads.get(index);
      const heartbeat = heartbeats.get(index);
      if (thread === undefined || heartbeat === undefined || draining) return;
      threads.delete(index);
      heartbeats.delete(index);
      const { inPolicy, inFlight } = readPulse(heartbeat);
      await thread.terminate();
      releaseThread(options.limits, index);
      if (reason === 'stalled' && inPolicy) condemnPolicy();
      options.replaced({ thread: index, reason, inFlight, detail }, snapshot);
      await revive(index, retryMs.first);
    });

  /**
   * Fail closed: no revision that has stopped a thread decides again, and an older one is not put back unasked. It does
   * not wait for answers as a swap does: the next thread may be stuck by now, and its successor begins with this.
   */
  const condemnPolicy = () => {
    if (snapshot.policyBad !== undefined) return;
    condemned.add(snapshot.policy.revision);
    snapshot = snapshotData({ ...snapshot, policyBad: stoppedAThread });
    for (const thread of threads.values()) {
      thread.send({ do: 'prepare', snapshot });
      thread.send({ do: 'commit', digest: snapshot.digest });
    }
  };

  /** A successor that cannot start, for want of descriptors or memory, is tried again, ever less often. */
  const revive = async (index: number, waitMs: number): Promise<void> => {
    if (draining) return;
    try {
      await spawn(index);
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      const fields = { thread: index, detail };
      options.report(index, { is: 'log', level: 'error', event: 'thread.start-failed', fields });
      const again = () => void inTurn(() => revive(index, Math.min(waitMs * 2, retryMs.most)));
      setTimeout(again, waitMs);
    }
  };

  const watchdog = watchPulse(
    options.stallMs,
    () => heartbeats,
    (index) => {
      void replace(index, 'stalled', `its event loop stood still for ${options.stallMs} ms`);
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
        if (next.policyBad === undefined && condemned.has(next.policy.revision)) return stoppedAThread;
        const all = [...threads.values()];
        const problems = await Promise.all(all.map((thread) => thread.prepare({ do: 'prepare', snapshot: next })));
        const problem = problems.find((one) => one !== undefined);
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
      const measured = await Promise.all(
        [...threads].map(async ([index, thread]) => [index, await thread.measure()] as const),
      );
      return measured.flatMap(([index, delta]) => (delta === undefined ? [] : [[index, delta] as const]));
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
  };
}
