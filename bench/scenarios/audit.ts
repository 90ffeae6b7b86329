import { posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

const requests = posts(1024);

export const audit: Scenario = {
  name: 'audit',
  summary: 'POST 1 KB over 32 connections when each answer waits for its record, and when it does not',
  peers: ['portcullis'],
  cases: () => ({
    cases: (['required', 'best-effort'] as const).map((mode) => ({
      name: `audit ${mode}`,
      wanted: { audit: mode },
      open: closedLoop(32, requests),
    })),
    notes: [],
  }),
};
