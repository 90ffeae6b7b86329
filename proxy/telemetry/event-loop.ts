import { createHistogram } from 'node:perf_hooks';

export type EventLoopDelay = { readonly p99Ms: number; readonly maxMs: number };

export type EventLoopWatch = {
  /** The delay since the last call. */
  readonly read: () => EventLoopDelay;
  readonly stop: () => void;
};

const PERIOD_MS = 20;

/**
 * How late a timer fires. `nowMs` is a monotonic clock. Not `monitorEventLoopDelay`: its `reset` also forgets the last
 * tick, so a block that begins right after a report is never seen (tried on Node 26.10: 200 ms blocked, 0.15 ms reported).
 */
export function watchEventLoop(nowMs: () => number): EventLoopWatch {
  const lateUs = createHistogram();
  let lastMs = nowMs();
  const tick = () => {
    const atMs = nowMs();
    // The histogram takes integers from 1 up.
    lateUs.record(Math.max(1, Math.round((atMs - lastMs - PERIOD_MS) * 1000)));
    lastMs = atMs;
  };
  const timer = setInterval(tick, PERIOD_MS).unref();
  return {
    read: () => {
      tick();
      const delay = { p99Ms: lateUs.percentile(99) / 1000, maxMs: lateUs.max / 1000 };
      lateUs.reset();
      return delay;
    },
    stop: () => clearInterval(timer),
  };
}
