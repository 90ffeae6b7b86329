import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy } from '../harness/proxy.ts';
import { quadraticPolicy } from '../harness/slow-policy.ts';
import { startWorkload } from '../harness/workload.ts';

/** Longer than the main thread waits for the counts of a thread, and shorter than the watchdog does. */
const busyUs = 1_000_000;

void test('a scrape while policy holds the thread', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 1,
      limits: { stall: '1m' },
      policy: { rego: './policy', engine: 'wasm', deadline: '50s' },
    },
    files: { 'policy/authz.rego': quadraticPolicy },
  });
  const allowed = () => proxy.metric('portcullis_requests_total{route="any",outcome="allowed"');
  const records = () => proxy.audit().filter(({ object }) => object !== undefined);
  let asked = 0;
  const ask = async (target: string) => {
    asked += 1;
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', target));
    t.equal(answer?.status, 200);
    client.close();
  };

  // How many steps take long enough depends on the machine; each try takes four times as long as the one before, and
  // the one that counts twice as long as the last.
  let n = 500;
  for (; Number(records().at(-1)?.['dur_us'] ?? 0) < busyUs; n *= 2) await ask(`/try?n=${n}`);

  for (let count = 0; count < 5; count += 1) await ask(`/counted?n=${count + 1}`);
  // Where the thread is held up between the two, it has the time to say what it counted: then once more.
  let stale = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < 5 && stale >= asked - 1; tries += 1) {
    const busy = await connectRaw(proxy.port, proxy.client);
    busy.write(requestText('GET', '/quick?n=1') + requestText('GET', `/slow?n=${Math.ceil(n * 0.75)}`));
    asked += 2;
    await busy.until((text) => parseAnswer(text) !== undefined);
    stale = await allowed();
    await busy.until((text) => (text.match(/HTTP\/1\.1 200 /g) ?? []).length === 2);
    busy.close();
  }
  t.ok(stale < asked - 1, 'the thread has had no time to say what it counted');
  t.equal(await allowed(), asked, 'what it said too late is counted all the same');
  t.equal(await proxy.stop(), 0);
});
