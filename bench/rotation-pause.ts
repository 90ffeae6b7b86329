import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startAgent, svidOf } from '../test/harness/agent.ts';
import { newFolder, startProxy, trustDomain } from '../test/harness/proxy.ts';
import { startWorkload } from '../test/harness/workload.ts';
import { makePki } from '../test/pki/pki.ts';
import { type LoadAnswer, load } from './load/each-answer.ts';
import { type Bench, runBench } from './run.ts';
import { createHistogram } from './statistics/histogram.ts';

// node bench/rotation-pause.ts [ROTATIONS]: how long a request waits at most while our own SVID is replaced, next to how long one
// waits at most in as much time without a rotation. One connection asks without a pause, so that some request meets each moment.
const rotations = Number(process.argv[2] ?? 60);
const windowMs = 400;
const restMs = 500;
const own = '/ns/t/sa/proxy';

async function measure(t: Bench): Promise<void> {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const pki = await makePki({ trustDomain });
  const svids = [];
  for (let at = 0; at <= rotations; at += 1) svids.push(svidOf(pki, await pki.issue({ path: own }), own));
  const [first, ...successors] = svids;
  const folder = newFolder(t);
  const where = join(folder, 'agent.sock');
  const agent = await startAgent(t, where);
  agent.offer({ svids: first === undefined ? [] : [first] });
  const workload_api = { socket: `unix://${where}` };
  const identity = { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}${own}`, workload_api };
  const proxy = await startProxy(t, { workloadPort: workload.port, folder, config: { identity } });

  const pushesMs: number[] = [];
  let rotating = true;
  const rotateAll = async () => {
    // V8 compiles meanwhile.
    await wait(5000);
    for (const next of successors) {
      pushesMs.push(performance.now());
      agent.offer({ svids: [next] });
      await wait(windowMs + restMs + windowMs);
    }
    rotating = false;
  };
  const credential = await pki.issue({ path: '/ns/t/sa/client' });
  const asking = load({ port: proxy.port, credential, connections: 1, goesOn: () => rotating });
  const [{ answers, failures }] = await Promise.all([asking, rotateAll()]);
  const used = proxy.audit().filter(({ type }) => type === 'identity.rotate').length;
  const longest = (fromMs: number) => longestWaitMs(answers, fromMs, fromMs + windowMs);
  show('while it rotates', pushesMs.map(longest));
  show(
    'without a rotation',
    pushesMs.map((pushMs) => longest(pushMs + windowMs + restMs)),
  );
  console.log(`${answers.length} answers, ${failures.length} broken; ${used} of ${rotations} SVIDs used`);
  await proxy.stop();
}

function longestWaitMs(answers: readonly LoadAnswer[], fromMs: number, toMs: number): number {
  const met = answers.filter(({ sentMs, latencyMs }) => sentMs <= toMs && sentMs + latencyMs >= fromMs);
  return Math.max(...met.map(({ latencyMs }) => latencyMs));
}

function show(what: string, waitsMs: readonly number[]): void {
  const histogram = createHistogram();
  for (const ms of waitsMs) histogram.record(ms * 1000);
  const ms = (share: number) => `${(histogram.at(share) / 1000).toFixed(1)} ms`;
  console.log(`longest wait ${what.padEnd(20)} p50 ${ms(0.5)}, p90 ${ms(0.9)}, most ${ms(1)}`);
}

await runBench(measure);
