import { join } from 'node:path';
import { verifyAudit } from '../../proxy/audit/verify.ts';
import { startProxy } from '../../test/harness/proxy.ts';
import { startWorkload } from '../../test/harness/workload.ts';
import type { Bench } from '../run.ts';
import { reloadConfig, reloadFiles, reloadUnderLoad } from '../reload-under-load.ts';
import { traceCollections, watchMemory } from './memory.ts';
import { createHistogram } from '../statistics/histogram.ts';

// The acceptance run: a minute of load, a hundred reloads. No request may fail, each record names one of the digests
// that were in force, and memory is as flat as the collector lets anybody see.
const run = { reloads: 100, ratePerSecond: 200, connections: 16, atLeastMs: 60_000 };

export async function soakReloads(t: Bench): Promise<boolean> {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { ...reloadConfig, threads: 2 },
    files: reloadFiles,
    wrap: traceCollections,
  });
  const memory = watchMemory(proxy);
  const { load, digests, recordsByDigest } = await reloadUnderLoad(proxy, run);
  const { lines } = memory.end();
  const streams = await verifyAudit(join(proxy.folder, 'audit'));
  const code = await proxy.stop();

  const bad = load.answers.filter(({ status }) => status !== 200).length;
  const records = [...recordsByDigest.values()].reduce((sum, count) => sum + count, 0);
  const strangers = [...recordsByDigest.keys()].filter((digest) => !digests.includes(digest));
  const latencies = createHistogram();
  for (const { latencyMs } of load.answers) latencies.record(latencyMs * 1000);
  const latencyMs = (share: number) => (latencies.at(share) / 1000).toFixed(1);
  console.log(`requests            ${load.answers.length} in ${(load.elapsedMs / 1000).toFixed(1)} s`);
  console.log(`failed              ${load.failures.length} broken, ${bad} not 200`);
  console.log(`latency             p50 ${latencyMs(0.5)} ms, p99 ${latencyMs(0.99)} ms`);
  console.log(`reloads             ${digests.length - 1}, ${new Set(digests).size} different digests`);
  console.log(`records             ${records}, of which under an unknown digest: ${strangers.length}`);
  console.log(`audit verify        ${streams.every(({ fault }) => fault === undefined) ? 'passed' : 'FAILED'}`);
  for (const line of lines) console.log(line);
  const good = load.failures.length + bad + strangers.length === 0 && records === load.answers.length && code === 0;
  if (!good) console.log(`exit ${code}; ${load.failures.slice(0, 3).join('; ')}`);
  return good;
}
