import type { Clock } from '../clock.ts';

/**
 * The clocks as they stood when this turn of the event loop first asked: good for deadlines and validity, which are kept to
 * within a sweep, and not for durations. A request asks a dozen times, and each time the system is asked costs 0.1 us.
 */
export function turnClock({ nowMs, monotonicMs }: Clock): Pick<Clock, 'nowMs' | 'monotonicMs'> {
  return { nowMs: oncePerTurn(nowMs), monotonicMs: oncePerTurn(monotonicMs) };
}

function oncePerTurn(read: () => number): () => number {
  let known: number | undefined;
  const forget = () => {
    known = undefined;
  };
  return () => {
    if (known === undefined) {
      known = read();
      setImmediate(forget);
    }
    return known;
  };
}
