import type { LoadRequest } from '../load/load-request.ts';
import { gets, posts } from './requests.ts';
import { closedLoop, megabyte, type Scenario } from './scenario.ts';

const bodyCase = (name: string, workload: 'reader' | 'sender', requests: readonly LoadRequest[]) => {
  return { name, workload, open: closedLoop(8, requests) };
};

export const bodies: Scenario = {
  name: 'bodies',
  summary:
    'POST 64 KB and 1 MB, and GET of 1 MB, over 8 connections: passed on as they come, or validated whole, as each peer does it',
  cases: () => ({
    cases: [
      bodyCase('POST 64 KB', 'reader', posts(64 * 1024)),
      bodyCase('POST 1 MB', 'reader', posts(megabyte)),
      bodyCase('GET 1 MB', 'sender', gets()),
    ],
    notes: [],
  }),
};
