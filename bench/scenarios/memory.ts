import { posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const requests = posts(1024);
const connections = 1000;

export const memory: Scenario = {
  name: 'memory',
  summary: 'resident memory before the first request, and with 1,000 connections under load',
  cases: () => ({
    cases: [
      {
        name: `POST 1 KB, ${connections} connections`,
        open: closedLoop(connections, requests),
      },
    ],
    notes: [],
  }),
};
