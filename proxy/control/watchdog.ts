import { type HeartbeatMemory, type Pulse, readPulse } from '../data/heartbeat.ts';

const looks = 10;
/** A thread that compiles a new snapshot does not beat either; it gets this long. */
export const prepareMs = 10_000;
/** Nor does one that judges a large body: so long for each MiB, of which the worst takes half on a processor of its own. */
const judgeMsPerMiB = 500;

/**
 * Watches the pulses of the data threads. It counts its own looks rather than time: after the whole process stood still
 * (SIGSTOP, a sleeping machine) every thread gets its chance to beat before it is called stuck.
 */
export function watchPulse(
  stallMs: number,
  heartbeats: () => ReadonlyMap<number, HeartbeatMemory>,
  stuck: (thread: number, pulse: Pulse) => void,
): { readonly stop: () => void } {
  const everyMs = stallMs / looks;
  // More than `prepareMs`: whoever waits for the answer gives up first, and does not take the thread for one that
  // ended with nothing against the snapshot.
  const preparingLooks = Math.max(looks, Math.ceil((1.5 * prepareMs) / everyMs));
  const patience = ({ preparing, policy, judgingKiB }: Pulse): number => {
    if (preparing) return preparingLooks;
    // Once policy holds the thread, the body is judged.
    return policy === undefined ? looks + Math.ceil(((judgingKiB / 1024) * judgeMsPerMiB) / everyMs) : looks;
  };
  const seen = new Map<HeartbeatMemory, { pulse: Pulse; missed: number }>();
  const timer = setInterval(() => {
    const current = heartbeats();
    for (const memory of seen.keys()) if (![...current.values()].includes(memory)) seen.delete(memory);
    for (const [thread, memory] of current) {
      const pulse = readPulse(memory);
      const before = seen.get(memory);
      const missed = before === undefined || isAlive(before.pulse, pulse) ? 0 : before.missed + 1;
      seen.set(memory, { pulse, missed });
      // Equal, not more: one report is enough.
      if (missed === patience(pulse)) stuck(thread, pulse);
    }
  }, everyMs).unref();
  return { stop: () => clearInterval(timer) };
}

/** Thousands of requests can fall into one turn of the event loop, in which no timer beats: who begins or ends one is not stuck. */
function isAlive(before: Pulse, now: Pulse): boolean {
  return before.beats !== now.beats || before.inFlight !== now.inFlight;
}
