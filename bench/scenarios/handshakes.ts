import { gets } from './requests.ts';
import type { Scenario } from './scenario.ts';

const requests = gets();

export const handshakes: Scenario = {
  name: 'handshakes',
  summary: 'a new connection with its full mutual TLS 1.3 handshake for each request, 8 at a time',
  cases: () => ({
    cases: [
      {
        name: 'GET, new connection each',
        open: async ({ generator, target, seconds }) => ({
          round: () => generator.newConnections(target, requests, { atOnce: 8, seconds }),
          close: async () => undefined,
        }),
      },
    ],
    notes: [],
  }),
};
