import { posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const requests = posts(1024);

export const threads: Scenario = {
  name: 'threads',
  summary: 'POST 1 KB over 64 connections with one and with two threads',
  peers: ['portcullis', 'nginx-limit-log', 'envoy-native'],
  sideBySide: true,
  cases: ({ cores }) => ({
    cases: [1, 2].map((count) => ({
      name: `${count} ${count === 1 ? 'thread' : 'threads'}`,
      wanted: { threads: count },
      open: closedLoop(64, requests),
    })),
    notes: cores >= 4 ? [] : [`${cores} cores: the generator and the workload take what a second thread would need`],
  }),
};
