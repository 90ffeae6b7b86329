import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyAudit } from '../proxy/audit/verify.ts';
import { startProxy } from '../test/harness/proxy.ts';
import { startWorkload } from '../test/harness/workload.ts';
import { residentBytes } from './process.ts';
import { reloadConfig, reloadFiles, reloadUnderLoad } from './reload-under-load.ts';
import { runBench } from './run.ts';
import { createHistogram } from './statistics/histogram.ts';

// The acceptance run: a minute of load, a hundred reloads. No request may fail, each record names one of the digests
// that were in force, and memory is as flat as the collector lets anybody see.
const run = { reloads: 100, ratePerSecond: 200, connections: 16, atLeastMs: 60_000 };

process.exitCode = await runBench(async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { ...reloadConfig, threads: 2 },
    files: reloadFiles,
    wrap: ['sh', '-c', 'node=$1; shift; exec "$node" --trace-gc "$@" > gc.log', 'sh'],
  });
  const pid = proxy.child.pid ?? 0;
  const samples = [residentBytes(pid)];
  const sampling = setInterval(() => samples.push(residentBytes(pid)), 5000);
  const { load, digests, recordsByDigest } = await reloadUnderLoad(proxy, run);
  clearInterval(sampling);
  const streams = await verifyAudit(join(proxy.folder, 'audit'));
  const code = await proxy.stop();

  const bad = load.answers.filter(({ status }) => status !== 200).length;
  const records = [...recordsByDigest.values()].reduce((sum, count) => sum + count, 0);
  const strangers = [...recordsByDigest.keys()].filter((digest) => !digests.includes(digest));
  const latencies = createHistogram();
  for (const { latencyMs } of load.answers) latencies.record(latencyMs * 1000);
  const latencyMs = (share: number) => (latencies.at(share) / 1000).toFixed(1);
  const heaps = heapTrend(readFileSync(join(proxy.folder, 'gc.log'), 'utf8'));
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  console.log(`requests            ${load.answers.length} in ${(load.elapsedMs / 1000).toFixed(1)} s`);
  console.log(`failed              ${load.failures.length} broken, ${bad} not 200`);
  console.log(`latency             p50 ${latencyMs(0.5)} ms, p99 ${latencyMs(0.99)} ms`);
  console.log(`reloads             ${digests.length - 1}, ${new Set(digests).size} different digests`);
  console.log(`records             ${records}, of which under an unknown digest: ${strangers.length}`);
  console.log(`audit verify        ${streams.every(({ fault }) => fault === undefined) ? 'passed' : 'FAILED'}`);
  console.log(`resident memory     ${samples.map(mib).join(', ')} (every 5 s)`);
  for (const [isolate, sizes] of heaps) console.log(`heap after full gc  ${isolate}: ${sizes.join(', ')} MB`);
  const good = load.failures.length + bad + strangers.length === 0 && records === load.answers.length && code === 0;
  console.log(good ? 'passed' : `FAILED (exit ${code}) ${load.failures.slice(0, 3).join('; ')}`);
  return good ? 0 : 1;
});

/** Size after each full collection, for each isolate (one for each thread), at most a dozen of them. */
function heapTrend(gcLog: string): ReadonlyMap<string, readonly string[]> {
  const trends = new Map<string, string[]>();
  for (const [, isolate = '', size = ''] of gcLog.matchAll(
    /^\[\d+:(0x[0-9a-f]+)[^\n]*Mark-Compact[^\n]*?-> ([\d.]+) \(/gm,
  )) {
    trends.set(isolate, [...(trends.get(isolate) ?? []), size]);
  }
  const thin = (sizes: readonly string[]) => {
    const step = Math.max(1, Math.ceil(sizes.length / 12));
    return sizes.filter((_, index) => index % step === 0 || index === sizes.length - 1);
  };
  return new Map([...trends.values()].map((sizes, index) => [`isolate ${index + 1}`, thin(sizes)]));
}
