import { type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';
import { openThreadClock, type ThreadClock } from './thread-clock.ts';

/** An evaluation that is seen in so many looks in a row, where no clock can tell what it took, has passed its deadline. */
const looksWithoutClock = 6;
const looksPerDeadline = 2;

type Seen = {
  readonly clock: ThreadClock;
  evaluation: number;
  sinceMs: number | undefined;
  looks: number;
};

export type DeadlineWatch = {
  /** Undefined: no engine in force needs it, and nothing is looked at. */
  readonly set: (deadlineMs: number | undefined) => void;
  readonly stop: () => void;
};

/**
 * Ends what WebAssembly cannot end itself: tells of an evaluation that has taken more than its deadline. What counts is the
 * processor time of its thread since the evaluation was first seen: on a loaded machine an honest one waits long and takes
 * little. It therefore overlooks half a deadline at most. Where the system does not tell, it counts its own looks, more of
 * them.
 */
export function watchEvaluations(
  heartbeats: () => ReadonlyMap<number, HeartbeatMemory>,
  overran: (thread: number) => void,
  openClock: (nativeThread: number) => ThreadClock = openThreadClock,
): DeadlineWatch {
  const seen = new Map<HeartbeatMemory, Seen>();
  let timer: NodeJS.Timeout | undefined;
  const forget = (keep: readonly HeartbeatMemory[]) => {
    for (const [memory, { clock }] of seen) {
      if (keep.includes(memory)) continue;
      clock.close();
      seen.delete(memory);
    }
  };
  const look = (deadlineMs: number) => {
    const current = heartbeats();
    if (seen.size > 0) forget([...current.values()]);
    for (const [thread, memory] of current) {
      const { evaluation, nativeThread, preparing } = readPulse(memory);
      // While a thread prepares a snapshot, what it evaluates are samples.
      if (evaluation === 0 || preparing) continue;
      const known = seen.get(memory) ?? { clock: openClock(nativeThread), evaluation: 0, sinceMs: undefined, looks: 0 };
      seen.set(memory, known);
      if (isOver(known, evaluation, deadlineMs)) overran(thread);
    }
  };
  const set = (deadlineMs: number | undefined) => {
    clearInterval(timer);
    timer = deadlineMs === undefined ? undefined : setInterval(look, deadlineMs / looksPerDeadline, deadlineMs).unref();
    if (deadlineMs === undefined) forget([]);
  };
  return { set, stop: () => set(undefined) };
}

function isOver(seen: Seen, evaluation: number, deadlineMs: number): boolean {
  const nowMs = seen.clock.read();
  if (seen.evaluation !== evaluation) {
    Object.assign(seen, { evaluation, sinceMs: nowMs, looks: 0 });
    return false;
  }
  seen.looks += 1;
  if (seen.sinceMs === undefined || nowMs === undefined) return seen.looks >= looksWithoutClock;
  return nowMs - seen.sinceMs >= deadlineMs;
}
