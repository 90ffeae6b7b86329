import { gets } from './requests.ts';
import { kept, type Scenario } from './scenario.ts';

const requests = gets();
const ratePerSecond = 500;
const everyMs = 500;

export const reload: Scenario = {
  name: 'reload',
  summary:
    'latency at 500 requests/s over 32 connections while the configuration changes twice a second, and while it does not',
  peers: ['portcullis', 'nginx-limit-log'],
  cases: () => ({
    cases: [false, true].map((reloading) => ({
      name: reloading ? `a reload every ${everyMs} ms` : 'no reload',
      open: (subject) =>
        kept(subject, 32, requests, async (open) => {
          const { seconds, running, lagBoundMs } = subject;
          const timer = reloading ? setInterval(() => running.reload?.(), everyMs) : undefined;
          try {
            return await open.openLoop(requests, { ratePerSecond, seconds, lagBoundMs });
          } finally {
            clearInterval(timer);
          }
        }),
    })),
    notes: [],
  }),
};
