/** Drift of two clocks within one tick stays far below this; a step by hand or by an NTP daemon is above it. */
const STEP_MS = 500;

/** Answers, each time it is asked, how far the wall clock has jumped against the monotonic one since the last time (AU-8). */
export function stepDetector(now: () => number, monotonicNs: () => bigint): () => number | undefined {
  let wallMs = now();
  let monoNs = monotonicNs();
  return () => {
    const nextWallMs = now();
    const nextMonoNs = monotonicNs();
    const stepMs = Math.round(nextWallMs - wallMs - Number(nextMonoNs - monoNs) / 1e6);
    wallMs = nextWallMs;
    monoNs = nextMonoNs;
    return Math.abs(stepMs) < STEP_MS ? undefined : stepMs;
  };
}
