import { type HeartbeatMemory, readPulse } from '../data/heartbeat.ts';

const looks = 10;

/**
 * Watches the pulses of the data threads. It counts its own looks rather than time: after the whole process stood still
 * (SIGSTOP, a sleeping machine) every thread gets its chance to beat before it is called stuck.
 */
export function watchPulse(
  stallMs: number,
  heartbeats: () => ReadonlyMap<number, HeartbeatMemory>,
  stuck: (thread: number) => void,
): { readonly stop: () => void } {
  const seen = new Map<HeartbeatMemory, { beats: number; missed: number }>();
  const timer = setInterval(() => {
    const current = heartbeats();
    for (const memory of seen.keys()) if (![...current.values()].includes(memory)) seen.delete(memory);
    for (const [thread, memory] of current) {
      const { beats } = readPulse(memory);
      const before = seen.get(memory);
      const missed = before?.beats === beats ? before.missed + 1 : 0;
      seen.set(memory, { beats, missed });
      // Equal, not more: one report is enough.
      if (missed === looks) stuck(thread);
    }
  }, stallMs / looks).unref();
  return { stop: () => clearInterval(timer) };
}
