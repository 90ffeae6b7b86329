import { posts } from './requests.ts';
import { kept, type Scenario } from './scenario.ts';

const requests = posts(1024);

export const audit: Scenario = {
  name: 'audit',
  summary: 'POST 1 KB over 32 connections when each answer waits for its record, and when it does not',
  peers: ['portcullis'],
  cases: () => ({
    cases: (['required', 'best-effort'] as const).map((mode) => ({
      name: `audit ${mode}`,
      wanted: { audit: mode },
      open: (subject) => kept(subject, 32, (open) => open.closedLoop(requests, { seconds: subject.seconds })),
    })),
    notes: [],
  }),
};
