import type { LoadOutcome } from '../load/tally.ts';
import { createHistogram } from '../statistics/histogram.ts';
import type { Case, Scenario } from './scenario.ts';

const starting: Omit<Case, 'name'> = {
  freshPeers: true,
  countsFrom: 'start',
  // The start itself is the round.
  open: async ({ startMs }) => ({ round: async () => started(startMs), close: async () => undefined }),
};

export const startUp: Scenario = {
  name: 'start-up',
  summary: 'from starting the process to the first answer over mutual TLS',
  cases: () => ({
    // The first of them leaves behind what the second one finds.
    cases: [
      { ...starting, name: 'first start, which compiles the policy', wanted: { compiledBefore: false } },
      { ...starting, name: 'later start' },
    ],
    notes: [],
  }),
};

function started(ms: number): LoadOutcome {
  const histogram = createHistogram();
  histogram.record(ms * 1000);
  const nothing = { failed: 0, failures: {}, lost: undefined, unreached: undefined, lagP99: 0 };
  return { ...nothing, answered: 1, elapsedMs: ms, latencies: histogram.encode() };
}
