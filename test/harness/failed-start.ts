import type { Test } from 'tap';
import { trustDomain } from './proxy.ts';

/** Nothing listens there, and nothing has to: no start gets that far. */
export const workloadPort = 9;
export const base = {
  identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
  listen: '127.0.0.1:0',
  workload: `127.0.0.1:${workloadPort}`,
  policy: { rego: './policy' },
  routes: [{ name: 'any', methods: ['GET'], path: '/{rest...}' }],
  admin: 'unix:./admin.sock',
};

export type FailedStart = { readonly code: number | null; readonly stderr: string };

/** The message and what to do, exit code 3, and nothing that only a developer can read. */
export function isClear(
  t: Test,
  { code, stderr: all }: FailedStart,
  wanted: { readonly code: string; readonly says: RegExp },
): void {
  // A start that got as far as the CA has logged that.
  const stderr = all.replaceAll(/^\{"ts":.*\}\n/gm, '');
  t.equal(code, 3, stderr);
  t.match(stderr, new RegExp(`^error\\[${wanted.code}\\]: `));
  t.match(stderr, wanted.says);
  t.notMatch(stderr, /\n {4}at |node:internal|\.ts:\d/, 'no stack trace');
  t.match(stderr, /\n {2}\S[^\n]*\n$/, 'the remedy comes last');
}
