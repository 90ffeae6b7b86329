import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startAgent, svidOf } from '../../test/harness/agent.ts';
import { connectRaw } from '../../test/harness/client.ts';
import { newFolder, startProxy, trustDomain } from '../../test/harness/proxy.ts';
import { startWorkload } from '../../test/harness/workload.ts';
import { type Credential, makePki, type Pki } from '../../test/pki/pki.ts';
import { type LoadAnswer, load } from '../load/each-answer.ts';
import { cpuSeconds } from '../process.ts';
import type { Bench } from '../run.ts';
import { createHistogram } from '../statistics/histogram.ts';

// An agent pushes a hundred SVIDs, and in the middle those of another CA while both are trusted. No request may fail, and
// who connects is shown the newest. A connection opened under each SVID, which asks nothing, ends in time once that is replaced.
const rotations = 100;
const requests = { ratePerSecond: 300, connections: 16 };
/** For so long after a push, a request that takes longer than others does so because of it. */
const rotationMs = 250;
/** Between two looks at what the listener shows: handshakes without a pause would be a load of their own. */
const lookMs = 20;
const drainMs = 5000;
// Nothing else may end a connection that asks nothing.
const limits = { head: '5m', keep_alive: '5m', drain_after_rotation: `${drainMs}ms` };
const own = '/ns/t/sa/proxy';

export async function soakRotations(t: Bench, seconds: number): Promise<boolean> {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const [pki, nextPki] = [await makePki({ trustDomain }), await makePki({ trustDomain })];
  const folder = newFolder(t);
  const where = join(folder, 'agent.sock');
  const agent = await startAgent(t, where);
  agent.offer({ svids: [svidOf(pki, await pki.issue({ path: own }), own)] });
  const workload_api = { socket: `unix://${where}` };
  const identity = { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}${own}`, workload_api };
  const proxy = await startProxy(t, { workloadPort: workload.port, folder, config: { identity, limits } });
  const credential = await pki.issue({ path: '/ns/t/sa/client' });

  const used = createHistogram();
  const ended = createHistogram();
  const witnesses: Promise<void>[] = [];
  const pushesMs: number[] = [];
  let stale = 0;
  let rotating = true;
  const startMs = performance.now();
  const rotateAll = async () => {
    for (let rotation = 1; rotation <= rotations; rotation++) {
      const issuer = rotation > rotations / 3 && rotation <= (2 * rotations) / 3 ? nextPki : pki;
      const next = await issuer.issue({ path: own });
      const witness = await connectRaw(proxy.port, credential);
      const beganMs = performance.now();
      pushesMs.push(beganMs);
      agent.offer({ svids: [svidOf(issuer, next, own, { bundle: rootsAt(rotation, pki, nextPki) })] });
      while ((await shownTo(credential, proxy.port)) !== next.serial.toUpperCase()) {
        stale += 1;
        await wait(lookMs);
      }
      const shownMs = performance.now();
      used.record((shownMs - beganMs) * 1000);
      const closed = witness.untilClosed();
      witnesses.push(closed.then(() => ended.record((performance.now() - shownMs) * 1000)));
      await wait(Math.max(0, startMs + (rotation * seconds * 1000) / rotations - performance.now()));
    }
    await Promise.all(witnesses);
    rotating = false;
  };
  const cpuBefore = cpuSeconds(proxy.child.pid ?? 0);
  const loading = load({
    port: proxy.port,
    credential,
    ...requests,
    goesOn: () => rotating,
    request: (number) => ({ method: 'GET', path: `/load/${number}` }),
  });
  const [{ answers, failures, elapsedMs }] = await Promise.all([loading, rotateAll()]);
  const cpu = cpuSeconds(proxy.child.pid ?? 0) - cpuBefore;
  const bad = answers.filter(({ status }) => status !== 200).length;
  const recorded = proxy.audit().filter(({ type }) => type === 'identity.rotate').length;
  const code = await proxy.stop();
  console.log(
    `requests   ${answers.length} in ${(elapsedMs / 1000).toFixed(1)} s, ${failures.length} broken, ${bad} not 200; ${cpu.toFixed(1)} s of processor time`,
  );
  const [during, between] = latenciesByRotation(answers, pushesMs);
  console.log(`latency in the ${rotationMs} ms after a push  ${summary(during)}`);
  console.log(`latency at all other times      ${summary(between)}`);
  console.log(`rotations  ${recorded} on record; ${stale} handshakes met an SVID that had a successor already`);
  console.log(`from push to the first handshake that shows it  ${summary(used)}`);
  console.log(`from then to the end of a connection under the SVID before  ${summary(ended)} of ${drainMs} ms`);
  const inTime = ended.at(1) <= drainMs * 1000;
  return failures.length + bad === 0 && recorded === rotations && inTime && code === 0;
}

/** A request belongs to the rotation whose push it was under way at, or that it followed. */
function latenciesByRotation(answers: readonly LoadAnswer[], pushesMs: readonly number[]) {
  const [during, between] = [createHistogram(), createHistogram()];
  for (const { sentMs, latencyMs } of answers) {
    const rotated = pushesMs.some((pushMs) => pushMs <= sentMs + latencyMs && sentMs <= pushMs + rotationMs);
    (rotated ? during : between).record(latencyMs * 1000);
  }
  return [during, between] as const;
}

function summary(micros: ReturnType<typeof createHistogram>): string {
  const ms = (share: number) => `${(micros.at(share) / 1000).toFixed(1)} ms`;
  return `p50 ${ms(0.5)}, p99 ${ms(0.99)}, most ${ms(1)}`;
}

/** From before the other CA signs until after it has signed for the last time, both are trusted. */
function rootsAt(rotation: number, { root }: Pki, { root: nextRoot }: Pki): Buffer {
  const overlap = rotation >= rotations / 4 && rotation <= (3 * rotations) / 4;
  return Buffer.concat(overlap ? [root.certificate.der, nextRoot.certificate.der] : [root.certificate.der]);
}

async function shownTo(client: Credential, port: number): Promise<string | undefined> {
  const { socket, close } = await connectRaw(port, client);
  const serial = socket.getPeerX509Certificate()?.serialNumber;
  close();
  return serial;
}
