import type { EventLoopUtilization } from 'node:perf_hooks';
import { createHistogram } from '../statistics/histogram.ts';
import type { Lane } from './lane.ts';
import type { PreparedRequest } from './load-request.ts';
import { startMetronome } from './metronome.ts';
import type { Pool } from './pool.ts';
import { type Run, runOverPool, type Send } from './run-over-pool.ts';
import type { LoadOutcome } from './tally.ts';

export type Rate = {
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** How late the generator itself may be, at its 99th percentile, before its latencies are withheld. */
  readonly lagBoundMs?: number | undefined;
};

const defaultLagBoundMs = 5;
/** Above this share of its time the generator has no time to look when an answer comes. */
const busyBound = 0.9;
/** With more than this share of all requests waiting at the end, latency says how long the run was and nothing else. */
const backlogBound = 0.05;
/** A line of so many, or of half of all requests, will not be worked off: the run ends before it fills the memory. */
const mostWaiting = 1_000_000;
/** For what waits in line when the last request was due. */
const drainMs = 5000;

/**
 * Requests begin at a constant rate, whatever becomes of those before. Latency counts from the moment at which a request was
 * due, so that a stall of the target is paid by every request that it kept waiting (no coordinated omission).
 */
export async function openLoop(pool: Pool, requests: readonly PreparedRequest[], rate: Rate): Promise<LoadOutcome> {
  const { ratePerSecond, seconds } = rate;
  const total = Math.max(1, Math.round(ratePerSecond * seconds));
  const line = createLine(total);
  const run = runOverPool(pool, requests, line);
  let began: { readonly utilisation: EventLoopUtilization; readonly atMs: number } | undefined;
  const metronome = startMetronome(ratePerSecond, total, (fromMs) => {
    began ??= { utilisation: performance.eventLoopUtilization(), atMs: fromMs };
    line.due(fromMs, run);
  });
  const tooLong = setTimeout(run.end, seconds * 1000 + drainMs);
  const { tally, lost } = await run.ended;
  const elapsedMs = performance.now() - (began?.atMs ?? performance.now());
  clearTimeout(tooLong);
  await metronome.stop();
  if (line.unsent() > 0) tally.failed('due, but never sent', line.unsent());
  const lagP99 = line.lag.at(0.99);
  const busy = performance.eventLoopUtilization(began?.utilisation).utilization;
  const unreached = generatorTooSlow(rate, lagP99, busy) ?? targetTooSlow(rate, line.backlog());
  return tally.outcome({ elapsedMs, lost, lagP99, unreached });
}

/** Requests that are due and connections that are free: whichever comes first waits for the other. */
function createLine(total: number) {
  const idle = new Set<Lane>();
  const waiting: number[] = [];
  /** How late the generator is with what has a connection. */
  const lag = createHistogram();
  const hopeless = Math.min(mostWaiting, Math.max(100, total / 2));
  let due = 0;
  let taken = 0;
  let backlog = 0;
  return {
    free: (lane: Lane, send: Send) => {
      const fromMs = waiting[taken];
      if (fromMs === undefined) return void idle.add(lane);
      taken += 1;
      send(lane, fromMs);
    },
    due: (fromMs: number, { send, end }: Pick<Run, 'send' | 'end'>) => {
      due += 1;
      if (due === total) backlog = waiting.length - taken;
      else if (waiting.length - taken > hopeless) {
        backlog = total - taken;
        return end();
      }
      const lane = takeOpen(idle);
      if (lane === undefined) return void waiting.push(fromMs);
      lag.record((performance.now() - fromMs) * 1000);
      send(lane, fromMs);
    },
    isOver: () => due === total && taken === waiting.length,
    lag,
    /** Share of all requests that waited when the last was due. */
    backlog: () => backlog / total,
    unsent: () => total - due + (waiting.length - taken),
  };
}

function takeOpen(idle: Set<Lane>): Lane | undefined {
  for (const lane of idle) {
    idle.delete(lane);
    if (lane.isOpen()) return lane;
  }
  return undefined;
}

function generatorTooSlow({ ratePerSecond, lagBoundMs = defaultLagBoundMs }: Rate, lagP99: number, busy: number) {
  const rate = `the generator itself cannot make ${ratePerSecond} requests/s`;
  if (lagP99 > lagBoundMs * 1000) {
    return `${rate}: one in a hundred left ${(lagP99 / 1000).toFixed(1)} ms or more after it was due`;
  }
  if (busy > busyBound) return `${rate}: it was busy for ${(busy * 100).toFixed(0)} % of the time`;
  return undefined;
}

function targetTooSlow({ ratePerSecond }: Rate, backlog: number): string | undefined {
  if (backlog <= backlogBound) return undefined;
  const waited = `${(backlog * 100).toFixed(0)} % of the requests still waited when the last was due`;
  return `${ratePerSecond} requests/s is more than the target answers on these connections: ${waited}`;
}
