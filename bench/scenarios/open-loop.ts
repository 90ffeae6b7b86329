import type { LoadRequest } from '../load/load-request.ts';
import { createHistogram, decodeHistogram } from '../statistics/histogram.ts';
import { addedFigures } from './added.ts';
import { gets, posts } from './requests.ts';
import { kept, type Scenario, type Station, type SubjectUnderLoad } from './scenario.ts';

const rates = [500, 1000];
const connections = 32;
const shapes = { GET: gets(), 'POST 1 KB': posts(1024) };

export const openLoop: Scenario = {
  name: 'open-loop',
  summary: `latency at ${rates.join(' and ')} requests/s over ${connections} connections, counted from the moment each was due, next to a direct connection`,
  cases: () => ({
    cases: Object.entries(shapes).flatMap(([shape, requests]) =>
      rates.map((ratePerSecond) => ({
        name: `${shape}, ${ratePerSecond} per second`,
        direct: true as const,
        open: (subject: SubjectUnderLoad) => {
          const { seconds, lagBoundMs } = subject;
          const rate = { ratePerSecond, seconds, lagBoundMs };
          return kept(subject, connections, requests, (open) => open.openLoop(requests, rate));
        },
      })),
    ),
    notes: [],
  }),
};

export const halfLoad: Scenario = {
  name: 'half-load',
  summary:
    'latency at half of what each peer can do at most, as measured just before, next to a direct connection at the same rate',
  cases: () => ({
    cases: Object.entries(shapes).map(([shape, requests]) => ({
      name: `${shape}, half of the capacity`,
      open: (subject: SubjectUnderLoad) => atHalf(subject, requests),
    })),
    notes: ['capacity is what this one generator could drive through the peer; on few cores it is the less of the two'],
  }),
};

/** How long a subject is driven as fast as it goes, to find out what half of that is. */
const probeSeconds = 1;

async function atHalf(
  { generator, target, workload, warmUp, seconds, lagBoundMs }: SubjectUnderLoad,
  requests: readonly LoadRequest[],
): Promise<Station> {
  const open = await generator.connect(target, connections);
  const direct = await generator.connect(workload, connections);
  await open.closedLoop(requests, warmUp);
  const { answered, elapsedMs } = await open.closedLoop(requests, { seconds: probeSeconds });
  const ratePerSecond = Math.max(1, Math.round((answered * 1000) / elapsedMs / 2));
  const rate = { ratePerSecond, seconds, lagBoundMs };
  const through = createHistogram();
  const past = createHistogram();
  return {
    round: async () => {
      const outcome = await open.openLoop(requests, rate);
      // In the same round: what is left between the two is the peer's, and not the hour's.
      const { latencies, unreached } = await direct.openLoop(requests, rate);
      if ((outcome.unreached ?? unreached) === undefined) {
        through.merge(decodeHistogram(outcome.latencies));
        past.merge(decodeHistogram(latencies));
      }
      return outcome;
    },
    figures: () => [
      { name: 'rate', value: ratePerSecond, unit: 'requests/s' },
      ...(past.count() === 0 ? [] : addedFigures(through.latency(), past.latency())),
    ],
    close: async () => {
      await open.close();
      await direct.close();
    },
  };
}
