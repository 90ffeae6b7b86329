import type { WorkloadConfig } from '../config/config.ts';
import { type Denial, deny } from '../denial.ts';

/** What a connection waits for: to be open, the head of an answer, more of its body, its next request. */
export type Waiting = 'connect' | 'head' | 'body' | 'next';

export type WaitLimits = { readonly [what in Exclude<Waiting, 'next'>]: number };

/** How often the time of a pool moves on. One interval for everything that waits, in place of a timer for each. */
export const tickMs = 50;

/** In time as the ticks count it: the first one may come at once, and nobody is called late too early. */
export const inTicks = (ms: number): number => ms + tickMs;

export function waitLimits(workload: WorkloadConfig): WaitLimits {
  return {
    connect: inTicks(workload.connectTimeoutMs),
    head: inTicks(workload.headersTimeoutMs),
    body: inTicks(workload.bodyTimeoutMs),
  };
}

const late = {
  head: deny('upstream-timeout', { detail: 'the workload did not begin its answer in time' }),
  body: deny('upstream-timeout', { detail: 'the workload stopped inside its answer' }),
} as const satisfies Partial<Record<Waiting, Denial>>;

/** What is said of an open connection that waited too long; one that had nothing to do just ends. */
export function lateness(what: Exclude<Waiting, 'connect'>): Denial | undefined {
  return what === 'next' ? undefined : late[what];
}
