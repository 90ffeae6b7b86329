import { gets } from './requests.ts';
import { kept, type MachineLimits, type Scenario } from './scenario.ts';

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
          // One request on each, one after the other where the subject is slow.
          open: (subject) =>
            kept(subject, connections, requests, (open) => open.closedLoop(requests, { requests: connections })),
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
  return Math.floor((descriptors / 2 - 500) / 100) * 100;
}
