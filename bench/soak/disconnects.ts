import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { verifyAudit } from '../../proxy/audit/verify.ts';
import { startProxy, type TestProxy } from '../../test/harness/proxy.ts';
import { seeded } from '../../test/harness/random.ts';
import { isExchange } from '../reload-under-load.ts';
import type { Bench } from '../run.ts';
import { type ClientTally, runClients } from './clients.ts';
import { openDescriptors, traceCollections, watchMemory } from './memory.ts';
import { type SoakWorkload, startSoakWorkload } from './workload.ts';

const lanes = 32;
/** What is given back late is given back: idle connections to the workload wait for its end of them. */
const patienceMs = 30_000;
/** Of resident memory, from the second quarter of the run to the last. */
const allowedGrowth = 1.2;

/**
 * Full load while connections end at any byte, cleanly, half or by a reset, on either side. No socket, descriptor or memory may
 * stay behind, and every exchange has exactly one record.
 */
export async function soakDisconnects(t: Bench, seconds: number, seed: number): Promise<boolean> {
  const workload = await startSoakWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, wrap: traceCollections });
  await proxy.metric('portcullis_open_connections');
  const before = openDescriptors(proxy);
  const memory = watchMemory(proxy);
  const end = performance.now() + seconds * 1000;
  const target = { port: proxy.port, credential: proxy.client, random: seeded(seed) };
  const tally = await runClients(target, lanes, () => performance.now() < end);
  const left = await whatStays(proxy, before);
  const { lines, residentBytes } = memory.end();
  const counted = await countedRequests(proxy);
  const problems = [...left, ...growth(residentBytes), ...tally.failures];
  const code = await proxy.stop();
  if (code !== 0) problems.push(`exit ${code}`);
  if (/exchange\.bug|uncaught/.test(proxy.log())) problems.push('a bug is in the log');
  const streams = await verifyAudit(join(proxy.folder, 'audit'));
  if (streams.some(({ fault }) => fault !== undefined)) problems.push('the audit does not verify');
  const records = recordsByTarget(proxy);
  problems.push(...unrecorded(records, counted, tally, workload));

  console.log(`connections         ${tally.connections} in ${seconds} s, ${tally.torn} torn away, seed ${seed}`);
  console.log(`answered whole      ${tally.answered.size}`);
  console.log(
    `exchanges           ${counted} counted, ${total(records)} on record, ${total(workload.seen)} at the workload`,
  );
  console.log(`descriptors         ${before} before, ${openDescriptorsAfter(left, before)} after`);
  for (const line of [...lines, ...problems.slice(0, 10)]) console.log(line);
  return problems.length === 0;
}

/** Waits until the proxy has given everything back. @returns what it never did */
async function whatStays(proxy: TestProxy, before: number): Promise<readonly string[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const open = await proxy.metric('portcullis_open_connections');
    const inFlight = await proxy.metric('portcullis_in_flight_requests');
    const descriptors = openDescriptors(proxy);
    if (open + inFlight === 0 && descriptors <= before) return [];
    if (performance.now() > deadline) {
      return [`left behind: ${open} connections, ${inFlight} requests, ${descriptors} descriptors (${before} before)`];
    }
    await wait(100);
  }
}

function openDescriptorsAfter(left: readonly string[], before: number): string {
  return left.length === 0 ? `at most ${before}` : 'more';
}

function growth(samples: readonly number[]): readonly string[] {
  const quarter = Math.floor(samples.length / 4);
  const mean = (part: readonly number[]) => part.reduce((sum, bytes) => sum + bytes, 0) / part.length;
  const early = mean(samples.slice(quarter, 2 * quarter));
  const late = mean(samples.slice(-quarter));
  if (quarter === 0 || late <= early * allowedGrowth) return [];
  return [`memory grew ${(late / early).toFixed(2)}-fold from the second quarter of the run to the last`];
}

async function countedRequests(proxy: TestProxy): Promise<number> {
  const { body } = await proxy.admin('/metrics');
  const lines = body.split('\n').filter((line) => line.startsWith('portcullis_requests_total{'));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function recordsByTarget(proxy: TestProxy): ReadonlyMap<string, number> {
  const records = new Map<string, number>();
  for (const record of proxy.audit().filter(isExchange)) {
    const { target } = record['object'] as { target: string };
    records.set(target, (records.get(target) ?? 0) + 1);
  }
  return records;
}

/** Targets of which the client or the workload knows and the audit does not, or not the right number of times. */
function unrecorded(
  records: ReadonlyMap<string, number>,
  counted: number,
  { answered }: ClientTally,
  { seen }: SoakWorkload,
): readonly string[] {
  const isUnique = (target: string) => /^\/(large\/)?c[0-9]/.test(target);
  return [
    ...(total(records) === counted ? [] : [`${counted} requests are counted, ${total(records)} on record`]),
    ...[...records]
      .filter(([target, times]) => isUnique(target) && times > 1)
      .map(([target]) => `${target}: two records`),
    ...[...answered].filter((target) => !records.has(target)).map((target) => `${target}: answered without a record`),
    ...[...seen]
      .filter(([target, times]) => (records.get(target) ?? 0) < times)
      .map(([target]) => `${target}: no record`),
  ];
}

function total(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
