import { gets } from './requests.ts';
import type { Generator } from '../load/generator.ts';
import type { Target } from '../load/target.ts';
import type { MachineLimits, Scenario, Station } from './scenario.ts';

const wanted = 10_000;
const requests = gets();

export const idle: Scenario = {
  name: 'idle',
  summary: '10,000 open connections, nearly all of them idle: memory, and what a request costs among them',
  cases: (limits) => {
    const connections = Math.min(wanted, affordable(limits));
    return {
      cases: [
        {
          name: `${connections} connections`,
          // One subject at a time holds them: all at once would need more descriptors than a generator may have.
          freshPeers: true,
          rounds: 1,
          open: ({ generator, target, seconds }) => among(generator, target, connections, seconds),
        },
      ],
      notes:
        connections === wanted
          ? []
          : [`${connections} connections instead of ${wanted}: this machine allows ${limits.descriptors} descriptors`],
    };
  },
};

/** HAProxy counts two descriptors for each connection, and the system has some of its own. */
function affordable({ descriptors }: MachineLimits): number {
  return Math.floor(Math.max(descriptors / 2 - 500, descriptors / 4) / 100) * 100;
}

/** A few requests a second, so that all but a handful of the connections are idle at any time. Memory is what this is about. */
async function among(generator: Generator, target: Target, connections: number, seconds: number): Promise<Station> {
  const open = await generator.connect(target, connections);
  const round = () => open.openLoop(requests, { ratePerSecond: 100, seconds, lagBoundMs: 200 });
  return { round, close: open.close };
}
