import type { Clock } from '../clock.ts';

/**
 * The clocks as they stood when this turn of the event loop first asked: good for deadlines and validity, which are kept to
 * within a sweep, and not for durations. A request asks a dozen times, and each time the system is asked costs 0.1 us.
 */
export function turnClock(clock: Clock): Pick<Clock, 'nowMs' | 'monotonicMs'> {
  let wall: number | undefined;
  let monotonic: number | undefined;
  const forget = () => {
    wall = undefined;
    monotonic = undefined;
  };
  // One visit of the event loop for both.
  const forgetLater = () => {
    if (wall === undefined && monotonic === undefined) setImmediate(forget);
  };
  return {
    nowMs: () => {
      forgetLater();
      return (wall ??= clock.nowMs());
    },
    monotonicMs: () => {
      forgetLater();
      return (monotonic ??= clock.monotonicMs());
    },
  };
}
