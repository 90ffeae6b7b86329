import { closeSync, openSync, readSync } from 'node:fs';

/** Processor time of one thread of this process. */
export type ThreadClock = {
  /** Milliseconds; undefined where the system does not tell. */
  readonly read: () => number | undefined;
  readonly close: () => void;
};

const unknown: ThreadClock = { read: () => undefined, close: () => undefined };

/**
 * Linux: the first number of `schedstat` is nanoseconds on a processor
 * (https://docs.kernel.org/scheduler/sched-stats.html). Kept open: each look is one system call.
 */
export function openThreadClock(nativeThread: number): ThreadClock {
  if (nativeThread === 0) return unknown;
  let file: number;
  try {
    file = openSync(`/proc/self/task/${nativeThread}/schedstat`, 'r');
  } catch {
    return unknown;
  }
  const buffer = Buffer.alloc(64);
  return {
    read: () => {
      try {
        const nanoseconds = Number.parseInt(buffer.toString('latin1', 0, readSync(file, buffer, 0, 64, 0)), 10);
        // A kernel without the statistics says 0, and a thread that runs has run for longer.
        return nanoseconds > 0 ? nanoseconds / 1e6 : undefined;
      } catch {
        return undefined;
      }
    },
    close: () => closeSync(file),
  };
}
