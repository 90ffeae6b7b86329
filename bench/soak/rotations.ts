import { join } from 'node:path';
import { startAgent, svidOf } from '../../test/harness/agent.ts';
import { connectRaw } from '../../test/harness/client.ts';
import { newFolder, startProxy, trustDomain } from '../../test/harness/proxy.ts';
import { startWorkload } from '../../test/harness/workload.ts';
import { type Credential, makePki, type Pki } from '../../test/pki/pki.ts';
import { load } from '../load/each-answer.ts';
import type { Bench } from '../run.ts';
import { createHistogram } from '../statistics/histogram.ts';

// An agent pushes a hundred SVIDs, and in the middle those of another CA while both are trusted. No request may fail, and
// who connects is shown the newest. A connection opened under each SVID, which asks nothing, ends in time once that is replaced.
const rotations = 100;
const requests = { ratePerSecond: 300, connections: 16 };
const pauseMs = 500;
const drainMs = 5000;
// Nothing else may end a connection that asks nothing.
const limits = { head: '5m', keep_alive: '5m', drain_after_rotation: `${drainMs}ms` };
const own = '/ns/t/sa/proxy';

export async function soakRotations(t: Bench): Promise<boolean> {
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
  let stale = 0;
  let rotating = true;
  const rotateAll = async () => {
    for (let rotation = 1; rotation <= rotations; rotation++) {
      const issuer = rotation > rotations / 3 && rotation <= (2 * rotations) / 3 ? nextPki : pki;
      const next = await issuer.issue({ path: own });
      const witness = await connectRaw(proxy.port, credential);
      const beganMs = performance.now();
      agent.offer({ svids: [svidOf(issuer, next, own, { bundle: rootsAt(rotation, pki, nextPki) })] });
      while ((await shownTo(credential, proxy.port)) !== next.serial.toUpperCase()) stale += 1;
      const shownMs = performance.now();
      used.record((shownMs - beganMs) * 1000);
      const closed = witness.untilClosed();
      witnesses.push(closed.then(() => ended.record((performance.now() - shownMs) * 1000)));
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    await Promise.all(witnesses);
    rotating = false;
  };
  const loading = load({
    port: proxy.port,
    credential,
    ...requests,
    goesOn: () => rotating,
    request: (number) => ({ method: 'GET', path: `/load/${number}` }),
  });
  const [{ answers, failures, elapsedMs }] = await Promise.all([loading, rotateAll()]);
  const bad = answers.filter(({ status }) => status !== 200).length;
  const latencies = createHistogram();
  for (const { latencyMs } of answers) latencies.record(latencyMs * 1000);
  const recorded = proxy.audit().filter(({ type }) => type === 'identity.rotate').length;
  const code = await proxy.stop();
  const ms = (histogram: typeof used, share: number) => `${(histogram.at(share) / 1000).toFixed(1)} ms`;
  console.log(
    `requests   ${answers.length} in ${(elapsedMs / 1000).toFixed(1)} s, ${failures.length} broken, ${bad} not 200`,
  );
  console.log(`latency    p50 ${ms(latencies, 0.5)}, p99 ${ms(latencies, 0.99)}`);
  console.log(`rotations  ${recorded} on record; ${stale} handshakes met an SVID that had a successor already`);
  console.log(`from push to the first handshake that shows it  p50 ${ms(used, 0.5)}, p99 ${ms(used, 0.99)}`);
  console.log(
    `from then to the end of a connection under the SVID before  p50 ${ms(ended, 0.5)}, most ${ms(ended, 1)} of ${drainMs} ms`,
  );
  const inTime = ended.at(1) <= drainMs * 1000;
  return failures.length + bad === 0 && recorded === rotations && inTime && code === 0;
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
