import type { SvidMaterial } from '../../certs/svid-source.ts';
import { createHeartbeat, type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';
import type { ThreadStart } from '../data/messages.ts';
import { releaseThread, type SharedLimitsMemory } from '../limit/shared-limits.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { MeasurementDelta } from '../telemetry/measurements.ts';
import { type DataThread, startDataThread, type ThreadEvents } from './data-thread.ts';
import { serially } from './serial.ts';
import { watchPulse } from './watchdog.ts';

/** Why a thread had to be replaced. */
export type Replacement = {
  readonly thread: number;
  readonly reason: 'stalled' | 'crashed';
  /** True when it was stuck inside the policy, whose revision is then bad. */
  readonly inPolicy: boolean;
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
  readonly replaced: (replacement: Replacement) => void;
};

export type DataPlane = {
  /** All threads judge by the new snapshot from here on, or none does: then resolves to the problem. */
  readonly swap: (snapshot: SnapshotData) => Promise<string | undefined>;
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
      options.replaced({ thread: index, reason, inPolicy: reason === 'stalled' && inPolicy, inFlight, detail });
      await spawn(index);
    });

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
        const all = [...threads.values()];
        const problems = await Promise.all(all.map((thread) => thread.prepare({ do: 'prepare', snapshot: next })));
        const problem = problems.find((one) => one !== undefined);
        if (problem !== undefined) return problem;
        for (const thread of all) thread.send({ do: 'commit', digest: next.digest });
        snapshot = next;
        return undefined;
      }),
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
