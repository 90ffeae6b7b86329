/** Says whether one more call may be served: `burst` at once, and behind them one in each interval (GCRA). */
export type CallRate = () => boolean;

export function callRate(
  { burst, intervalMs }: { readonly burst: number; readonly intervalMs: number },
  now: () => number,
): CallRate {
  const toleranceMs = burst * intervalMs;
  let free = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = now();
    const since = Math.max(free, nowMs);
    // Further ahead it never gets by itself: the clock was set back.
    const next = (since - nowMs > toleranceMs ? nowMs : since) + intervalMs;
    if (next - nowMs > toleranceMs) return false;
    free = next;
    return true;
  };
}
