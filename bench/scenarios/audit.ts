import type { LoadRequest } from '../load/load-request.ts';
import { gets, posts } from './requests.ts';
import { closedLoop, type Scenario } from './scenario.ts';

/** One of each class of record: the exchange was allowed, denied by the policy, or was no valid request of its route. */
const outcomes: Readonly<Record<string, readonly LoadRequest[]>> = {
  allowed: posts(1024),
  denied: gets().map((request) => ({
    ...request,
    path: `/nobody-may${request.path.slice(request.path.lastIndexOf('/'))}`,
    expect: 403,
  })),
  invalid: posts(1024).map((request) => ({ ...request, body: '{"id":"no order"}', expect: 422 })),
};

export const audit: Scenario = {
  name: 'audit',
  summary:
    'each class of record over 32 connections, when an answer waits for its record and when it does not: POST 1 KB allowed, GET denied, POST invalid',
  peers: ['portcullis'],
  sideBySide: true,
  cases: () => ({
    cases: (['required', 'best-effort'] as const).flatMap((mode) =>
      Object.entries(outcomes).map(([outcome, requests]) => ({
        name: `audit ${mode}, ${outcome}`,
        wanted: { audit: mode },
        open: closedLoop(32, requests),
      })),
    ),
    notes: [],
  }),
};
