import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { exchange, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { compileRules } from '../unit/policy/policies.ts';

async function ask(proxy: TestProxy, path: string) {
  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', path));
  client.close();
  return answer;
}

/** The plan of one policy beside the WebAssembly of another: an engine with a bug, or a bundle that somebody has changed. */
void test('two engines that do not agree', async (t) => {
  const [plan, wasm] = await Promise.all([
    compileRules('decision := true'),
    compileRules('default decision := false\n\ndecision if input.parsed_path[0] == "same"'),
  ]);
  const workload = await startWorkload();
  t.teardown(workload.close);
  const policy = { bundle: './bundle', entrypoint: 'test/decision', engine: 'verify' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { policy, threads: 1 },
    files: { 'bundle/plan.json': plan.plan, 'bundle/policy.wasm': wasm.wasm },
  });
  const differences = () => proxy.audit().filter(({ type }) => type === 'policy.differ');

  t.equal((await ask(proxy, '/same'))?.status, 200);
  t.equal((await ask(proxy, '/other'))?.status, 200, 'the plan decides');
  const told = await proxy.untilRecord(({ type }) => type === 'policy.differ');
  const decided = proxy.audit().find(({ object }) => (object as { target?: string })?.target === '/other');
  t.match(told, {
    outcome: 'error',
    request: decided?.['id'],
    policy: decided?.['policy'],
    detail: /^plan: sha256:[0-9a-f]{64}; wasm: sha256:[0-9a-f]{64}$/,
  });
  await proxy.untilLog((log) => log.includes('"event":"policy.differ"'));
  t.equal(await proxy.metric('portcullis_policy_compared_total'), 2);
  t.equal(await proxy.metric('portcullis_policy_differences_total'), 1);

  await untilInForce(proxy, () => changeConfig(proxy, { profile: 'regulated' }));
  t.equal((await ask(proxy, '/same'))?.status, 200);
  const refused = await ask(proxy, '/other');
  t.equal(refused?.status, 503);
  t.equal((JSON.parse(refused?.body ?? '{}') as { code: string }).code, 'policy-undecided');
  await proxy.untilRecord(() => differences().length === 2);
  t.match(
    proxy.audit().findLast(({ type }) => type === 'authz.error'),
    {
      reason: 'policy-undecided',
      detail: /^the engines differ: plan sha256:/,
    },
  );
  t.equal(workload.hits(), 3);

  await untilInForce(proxy, () => changeConfig(proxy, { policy: { ...policy, verify_share: 0.000001 } }));
  t.equal((await ask(proxy, '/other'))?.status, 200, 'what is not compared is not refused');
  t.equal(differences().length, 2);
  t.equal(await proxy.stop(), 0);
});
