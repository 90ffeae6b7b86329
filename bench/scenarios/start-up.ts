import { createHistogram } from '../statistics/histogram.ts';
import type { Scenario } from './scenario.ts';

export const startUp: Scenario = {
  name: 'start-up',
  summary: 'from starting the process to the first answer over mutual TLS',
  cases: () => ({
    cases: [
      {
        name: 'first start',
        freshPeers: true,
        countsFrom: 'start',
        open: async ({ startMs }) => ({
          // The start itself is the round: the processor time that is measured around it is that of the whole process.
          round: async () => ({
            answered: 1,
            failed: 0,
            failures: {},
            elapsedMs: startMs,
            latencies: lasting(startMs),
            lost: undefined,
            unreached: undefined,
            lagP99: 0,
          }),
          close: async () => undefined,
        }),
      },
    ],
    notes: [],
  }),
};

function lasting(ms: number): string {
  const histogram = createHistogram();
  histogram.record(ms * 1000);
  return histogram.encode();
}
