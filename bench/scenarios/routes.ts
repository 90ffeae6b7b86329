import { gets } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const requests = gets();

export const routes: Scenario = {
  name: 'routes',
  summary: 'GET over 32 connections with 1 to 10,000 further routes',
  peers: ['portcullis'],
  sideBySide: true,
  cases: () => ({
    cases: [1, 100, 1000, 10_000].map((count) => ({
      name: `${count} routes`,
      wanted: { routes: count },
      open: closedLoop(32, requests),
    })),
    notes: [],
  }),
};
