import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProxy } from '../../test/harness/proxy.ts';
import { residentBytes } from '../process.ts';

/** Put in front of the proxy, so that each full collection says how much is really held. */
export const traceCollections = ['sh', '-c', 'node=$1; shift; exec "$node" --trace-gc "$@" > gc.log', 'sh'];

export type MemoryReport = { readonly lines: readonly string[]; readonly residentBytes: readonly number[] };

const intervalMs = 5000;

export function watchMemory({ child, folder }: TestProxy): { readonly end: () => MemoryReport } {
  const pid = child.pid ?? 0;
  const samples = [residentBytes(pid)];
  const sampling = setInterval(() => samples.push(residentBytes(pid)), intervalMs);
  return {
    end: () => {
      clearInterval(sampling);
      const heaps = heapTrend(readFileSync(join(folder, 'gc.log'), 'utf8'));
      const resident = `resident memory     ${thin(samples.map(mib)).join(', ')} (of one every 5 s)`;
      const held = [...heaps].map(([isolate, sizes]) => `heap after full gc  ${isolate}: ${sizes.join(', ')} MB`);
      return { lines: [resident, ...held], residentBytes: samples };
    },
  };
}

/** What the process has open: sockets, files, pipes. */
export function openDescriptors({ child }: TestProxy): number {
  return readdirSync(`/proc/${child.pid}/fd`).length;
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

/** Size after each full collection, for each isolate (one for each thread), at most a dozen of them. */
function heapTrend(gcLog: string): ReadonlyMap<string, readonly string[]> {
  const trends = new Map<string, string[]>();
  for (const [, isolate = '', size = ''] of gcLog.matchAll(
    /^\[\d+:(0x[0-9a-f]+)[^\n]*Mark-Compact[^\n]*?-> ([\d.]+) \(/gm,
  )) {
    trends.set(isolate, [...(trends.get(isolate) ?? []), size]);
  }
  return new Map([...trends.values()].map((sizes, index) => [`isolate ${index + 1}`, thin(sizes)]));
}

function thin(values: readonly string[]): readonly string[] {
  const step = Math.max(1, Math.ceil(values.length / 12));
  return values.filter((_, index) => index % step === 0 || index === values.length - 1);
}
