import { createHistogram } from '../statistics/histogram.ts';

/** What a run of load found. */
export type LoadOutcome = {
  /** Answered as expected. */
  readonly answered: number;
  readonly failed: number;
  /** How many failed for each reason. */
  readonly failures: Readonly<Record<string, number>>;
  readonly elapsedMs: number;
  /** Of the requests answered as expected, as `decodeHistogram` reads it; empty where it would mislead. */
  readonly latencies: string;
  /** Why the run ended early: the target is not there, or went away. What is here is what was found until then. */
  readonly lost: string | undefined;
  /** Why there are no latencies: the rate was not made, so that they would tell of the generator, or of an ever longer queue. */
  readonly unreached: string | undefined;
  /** How late the generator itself was, in microseconds; 0 where nothing was to be in time. */
  readonly lagP99: number;
};

export type Tally = {
  readonly answered: (micros: number) => void;
  readonly failed: (reason: string, count?: number) => void;
  readonly done: () => number;
  readonly outcome: (end: Pick<LoadOutcome, 'elapsedMs' | 'lost' | 'unreached' | 'lagP99'>) => LoadOutcome;
};

export function createTally(): Tally {
  const latencies = createHistogram();
  const failures: Record<string, number> = {};
  let failed = 0;
  return {
    answered: latencies.record,
    failed: (reason, count = 1) => {
      failed += count;
      failures[reason] = (failures[reason] ?? 0) + count;
    },
    done: () => latencies.count() + failed,
    outcome: (end) => {
      const told = end.unreached === undefined ? latencies : createHistogram();
      return { answered: latencies.count(), failed, failures, latencies: told.encode(), ...end };
    },
  };
}
