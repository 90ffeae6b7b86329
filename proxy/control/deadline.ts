import { needsDeadline } from '../../policy/engines/settings.ts';
import type { Config } from '../config/config.ts';
import { type HeartbeatMemory, type Pulse, readPulse } from '../data/heartbeat.ts';
import { openThreadClock, type ThreadClock } from './thread-clock.ts';

/** An evaluation that is seen in so many looks in a row, where no clock can tell what it took, has passed its deadline. */
const looksWithoutClock = 6;
/** How long between two looks while an evaluation is on, and while none was seen: each look wakes the process. */
const pace = {
  evaluatingMs: (deadlineMs: number) => deadlineMs / 2,
  idleMs: (deadlineMs: number) => Math.min(deadlineMs * 2, 100),
};

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

/** Undefined where the engine ends an evaluation itself. */
export function deadlineOf({ policy: { engine } }: Config): number | undefined {
  return needsDeadline(engine) ? engine.deadlineMs : undefined;
}

/**
 * Ends what WebAssembly cannot end itself: tells of an evaluation that has taken more than its deadline. What counts is the
 * processor time of its thread since the evaluation was first seen, at most two deadlines after it began: on a loaded
 * machine an honest one waits long and takes little. Where the system does not tell, it counts its own looks, more of them.
 */
export function watchEvaluations(
  heartbeats: () => ReadonlyMap<number, HeartbeatMemory>,
  overran: (thread: number, pulse: Pulse) => void,
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
  /** Whether an evaluation is on. */
  const look = (deadlineMs: number): boolean => {
    const current = heartbeats();
    if (seen.size > 0) forget([...current.values()]);
    let evaluating = false;
    for (const [thread, memory] of current) {
      const pulse = readPulse(memory);
      const { evaluation, nativeThread, preparing } = pulse;
      // While a thread prepares a snapshot, what it evaluates are samples.
      if (evaluation === 0 || preparing) continue;
      evaluating = true;
      const known = seen.get(memory) ?? { clock: openClock(nativeThread), evaluation: 0, sinceMs: undefined, looks: 0 };
      seen.set(memory, known);
      if (isOver(known, evaluation, deadlineMs)) overran(thread, pulse);
    }
    return evaluating;
  };
  const lookAgain = (deadlineMs: number, evaluating: boolean) => {
    const next = () => lookAgain(deadlineMs, look(deadlineMs));
    timer = setTimeout(next, evaluating ? pace.evaluatingMs(deadlineMs) : pace.idleMs(deadlineMs)).unref();
  };
  const set = (deadlineMs: number | undefined) => {
    clearTimeout(timer);
    if (deadlineMs === undefined) forget([]);
    else lookAgain(deadlineMs, false);
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
