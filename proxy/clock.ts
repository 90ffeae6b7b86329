/** The clocks of the process. Everything else is given one, so that a test can hold time still. */
export type Clock = {
  /** Wall clock, milliseconds since the epoch: for validity and time stamps. */
  readonly nowMs: () => number;
  /** Monotonic, with one base for all threads of the process: for limits, deadlines and durations. */
  readonly monotonicNs: () => bigint;
  readonly monotonicMs: () => number;
};

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  monotonicNs: () => process.hrtime.bigint(),
  // hrtime, not performance.now(): the latter starts at zero in every worker thread.
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
});
