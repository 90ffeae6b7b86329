import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';

/** What the process needs beside connections: its own files, sockets of the admin address, what a reload reads. */
const ownDescriptors = 40;
/** The loop of a thread, its listener, its audit. */
const descriptorsOfThread = 12;

/** How many descriptors the process may have at once; no limit where the system does not say. */
export function descriptorLimit(limitsFile = '/proc/self/limits'): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync(limitsFile, 'utf8'))?.[1] ?? Number.POSITIVE_INFINITY);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * How many connections of clients a data thread may hold. Who takes the last descriptor takes more than a place: probes get no
 * answer then, a denylist cannot be read, and no request reaches the workload. So those are left over, whatever `limits` allows.
 */
export function connectionsOfThread({ threads, limits, workload }: Config, descriptors: number): number {
  const room = descriptors - ownDescriptors - threads * descriptorsOfThread;
  const pools = workload.standby === undefined ? 1 : 2;
  const towardsWorkload = Math.min(threads * pools * workload.maxConnections, room / 2);
  return Math.max(1, Math.min(limits.maxConnections, Math.floor((room - towardsWorkload) / threads)));
}
