import type { PreparedRequest } from './load-request.ts';
import type { Pool } from './pool.ts';
import { runOverPool } from './run-over-pool.ts';
import type { LoadOutcome } from './tally.ts';

/** Whichever comes first. */
export type Until = { readonly requests?: number | undefined; readonly seconds?: number | undefined };

/** On each connection the next request follows each answer at once: what the target does at its limit. */
export async function closedLoop(
  pool: Pool,
  requests: readonly PreparedRequest[],
  { requests: limit = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY }: Until,
): Promise<LoadOutcome> {
  const endMs = performance.now() + seconds * 1000;
  let begun = 0;
  const isOver = () => begun >= limit || performance.now() >= endMs;
  const run = runOverPool(pool, requests, {
    free: (lane, send) => {
      if (isOver()) return;
      begun += 1;
      send(lane, performance.now());
    },
    isOver,
  });
  const { tally, elapsedMs, lost } = await run.ended;
  return tally.outcome({ elapsedMs, lost, unreached: undefined, lagP99: 0 });
}
