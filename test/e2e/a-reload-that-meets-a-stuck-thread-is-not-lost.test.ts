import { test } from 'tap';
import { replaceFile, untilInForce } from '../harness/change-files.ts';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy } from '../harness/proxy.ts';
import { quadraticPolicy } from '../harness/slow-policy.ts';
import { startWorkload } from '../harness/workload.ts';

const linear = quadraticPolicy.replace('some y in ys', 'y := ys[0]');

void test('the mended policy arrives while the bad one still holds the only thread', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { threads: 1, policy: { rego: './policy', engine: 'wasm', deadline: '2s' }, limits: { stall: '4s' } },
    files: { 'policy/authz.rego': quadraticPolicy },
  });
  const victim = await connectRaw(proxy.port, proxy.client);
  // Sent in one piece: who has read the first answer knows that the thread is in the second request by now.
  victim.write(requestText('GET', '/quick?n=1') + requestText('GET', '/slow?n=100000'));
  await victim.until((text) => parseAnswer(text) !== undefined);

  const swap = await untilInForce(proxy, () => replaceFile(proxy, 'policy/authz.rego', linear));
  const bad = await proxy.untilRecord(({ type }) => type === 'policy.bad');
  t.strictNotSame(bad['policy'], swap['policy'], 'only the revision that held the thread is bad');
  await victim.untilClosed();
  await eventually(async () => (await proxy.admin('/readyz')).status === 200);
  const answered = await exchange(proxy.port, proxy.client, requestText('GET', '/slow?n=100000'));
  t.equal(answered.answer?.status, 200, 'the new one decides what the old one could not');
  const wanted = { type: 'authz.allow', snapshot: swap['snapshot'], policy: swap['policy'] };
  t.match(
    proxy.audit().findLast(({ object }) => object !== undefined),
    wanted,
  );
  t.equal(proxy.audit().filter(({ type }) => type === 'thread.replaced').length, 1);
  t.equal(await proxy.metric('portcullis_reloads_total{outcome="loaded"}'), 1);
  answered.client.close();
  t.equal(await proxy.stop(), 0);
});
