import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { TestProxy } from './proxy.ts';

/** Open file descriptors of a process. */
export function descriptors({ child }: TestProxy): number {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

export function residentBytes({ child }: TestProxy): number {
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
  return Number(kib) * 1024;
}

/** For what has no event of its own: asks again until the answer is yes. The time limit is the test's. */
export async function eventually(look: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await look())) await wait(20);
}

/** Sum of a gauge over all threads. */
export async function gauge(proxy: TestProxy, name: string): Promise<number> {
  const { body } = await proxy.admin('/metrics');
  const values = body.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

/** Nobody is connected and nothing is being served. */
export async function untilQuiet(proxy: TestProxy): Promise<void> {
  await eventually(async () => (await gauge(proxy, 'portcullis_open_connections')) === 0);
  await eventually(async () => (await gauge(proxy, 'portcullis_in_flight_requests')) === 0);
}
