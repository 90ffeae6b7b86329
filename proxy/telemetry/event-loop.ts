import { monitorEventLoopDelay } from 'node:perf_hooks';

export type EventLoopDelay = { readonly p99Ms: number; readonly maxMs: number };

export type EventLoopWatch = {
  /** The delay since the last call. */
  readonly read: () => EventLoopDelay;
  readonly stop: () => void;
};

const RESOLUTION_MS = 20;

/** The histogram holds the time between two ticks of a timer: the timer's own period is not delay. */
export function watchEventLoop(): EventLoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const delayMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  return {
    read: () => {
      const idle = histogram.count === 0;
      const delay = idle
        ? { p99Ms: 0, maxMs: 0 }
        : { p99Ms: delayMs(histogram.percentile(99)), maxMs: delayMs(histogram.max) };
      histogram.reset();
      return delay;
    },
    stop: () => {
      histogram.disable();
    },
  };
}
