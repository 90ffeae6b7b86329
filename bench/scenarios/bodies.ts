import { posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const sizes = { '64 KB': 64 * 1024, '1 MB': 1000 * 1000 };

export const bodies: Scenario = {
  name: 'bodies',
  summary: 'POST 64 KB and 1 MB over 8 connections: passed on as they come, or validated whole, as each peer does it',
  cases: () => ({
    cases: Object.entries(sizes).map(([size, bytes]) => {
      const requests = posts(bytes);
      return {
        name: `POST ${size}`,
        workload: 'reader' as const,
        open: closedLoop(8, requests),
      };
    }),
    notes: [],
  }),
};
