import { gets, posts } from './requests.ts';
import { kept, type Scenario } from './scenario.ts';

const ratePerSecond = 500;
const shapes = { GET: gets(), 'POST 1 KB': posts(1024) };

export const openLoop: Scenario = {
  name: 'open-loop',
  summary:
    'latency at 500 requests/s over 32 connections, counted from the moment each was due, next to a direct connection',
  cases: () => ({
    cases: Object.entries(shapes).map(([shape, requests]) => ({
      name: `${shape}, ${ratePerSecond}/s`,
      direct: true as const,
      open: (subject) =>
        kept(subject, 32, requests, (open) => open.openLoop(requests, { ratePerSecond, seconds: subject.seconds })),
    })),
    notes: [],
  }),
};

/** How long a subject is driven as fast as it goes, to find out what half of that is. */
const probeSeconds = 1;

export const halfLoad: Scenario = {
  name: 'half-load',
  summary: 'latency at half of what each peer can do at most, as measured just before',
  cases: () => ({
    cases: Object.entries(shapes).map(([shape, requests]) => ({
      name: `${shape}, half of the capacity`,
      open: async (subject) => {
        const connections = await subject.generator.connect(subject.target, 32);
        await connections.closedLoop(requests, { seconds: probeSeconds });
        const { answered, elapsedMs } = await connections.closedLoop(requests, { seconds: probeSeconds });
        const rate = Math.max(1, Math.round((answered * 1000) / elapsedMs / 2));
        return {
          round: () => connections.openLoop(requests, { ratePerSecond: rate, seconds: subject.seconds }),
          figures: () => [{ name: 'rate', value: rate, unit: 'requests/s' }],
          close: connections.close,
        };
      },
    })),
    notes: ['capacity is what this one generator could drive through the peer; on few cores it is the less of the two'],
  }),
};
