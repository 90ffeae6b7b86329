import { test } from 'tap';
import { replaceFile, untilInForce } from '../harness/change-files.ts';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { clientId, expectNoStart, startProxy, type TestProxy } from '../harness/proxy.ts';
import { eventually } from '../harness/process.ts';
import { startWorkload } from '../harness/workload.ts';
import { packed } from '../unit/bundle/archives.ts';
import { constant, fakeOpaModule, loopForEver } from '../unit/policy/fake-opa-module.ts';

/** THREATS 1.4: alone, this holds WebAssembly for 12.5 s and grows it to 4 GiB. */
const rego = `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if {
	input.attributes.source.principal == "${clientId}"
	not input.parsed_path[0] in {"endless", "replace", "list"}
}

decision := {"allow": true, "rule": "list"} if {
	input.parsed_path[0] == "list"
	every x in input.parsed_body { every y in input.parsed_body { x == y } }
}

decision := {"allow": true, "rule": "endless"} if {
	input.parsed_path[0] == "endless"
	xs := numbers.range(1, 10000)
	count([1 | some x in xs; some y in xs; x + y < 0]) == 0
}

decision := {"allow": true, "rule": replaced} if {
	input.parsed_path[0] == "replace"
	text := input.parsed_path[1]
	replaced := replace(text, substring(text, 1, -1), "-")
}
`;

async function ask(proxy: TestProxy, path: string) {
  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', path));
  client.close();
  return answer;
}

const ofType = (proxy: TestProxy, type: string) => proxy.audit().filter((record) => record.type === type);

void test('wasm: the thread is replaced and the revision decides nothing any more', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { policy: { rego: './policy', engine: 'wasm' }, limits: { stall: '1m' } },
    files: { 'policy/authz.rego': rego },
  });
  t.equal((await ask(proxy, '/fine'))?.status, 200);
  const victim = await connectRaw(proxy.port, proxy.client);
  victim.write(requestText('GET', '/endless'));
  const replaced = await proxy.untilRecord(({ type }) => type === 'thread.replaced');
  t.match(replaced, {
    reason: 'deadline',
    detail: /^an evaluation took more than 25 ms; 1 exchanges were broken off$/,
  });
  t.notMatch(await victim.untilClosed(), 'HTTP/1.1', 'nobody is told that it was allowed');

  await eventually(async () => (await proxy.metric('portcullis_thread_replacements_total{reason="deadline"}')) === 1);
  await eventually(async () => (await ask(proxy, '/fine').catch(() => undefined))?.status === 503);
  t.equal((await ask(proxy, '/endless'))?.status, 503, 'the successor answers, and asks the policy no more');
  t.match(ofType(proxy, 'policy.bad'), [{ reason: 'deadline', policy: replaced['policy'] }]);
  t.equal(ofType(proxy, 'policy.bad').length, 1);
  t.equal(ofType(proxy, 'thread.replaced').length, 1);
  t.equal(workload.hits(), 1);

  await t.test('the next revision decides, until it does not end either', async (t) => {
    await untilInForce(proxy, () => replaceFile(proxy, 'policy/authz.rego', rego.replace('"client"', '"again"')));
    t.equal((await ask(proxy, '/replace/ab'))?.status, 200);
    t.equal((await ask(proxy, '/replace/a'))?.status, 200, 'of nothing, which never ends in the library of OPA');
    t.match(ofType(proxy, 'authz.allow').at(-1), { rule: '-a-' });
    const stuck = await connectRaw(proxy.port, proxy.client);
    stuck.write(requestText('GET', '/endless'));
    t.notMatch(await stuck.untilClosed(), 'HTTP/1.1');
    await eventually(async () => ofType(proxy, 'policy.bad').length === 2);
    t.match(ofType(proxy, 'thread.replaced')[1], { reason: 'deadline' });
    await eventually(async () => (await ask(proxy, '/fine').catch(() => undefined))?.status === 503);
    t.equal(workload.hits(), 3);
  });
  t.equal(await proxy.stop(), 0);
});

/** More than an honest request of this test makes, and less than one with a long path. */
const longInput = 6_000;
/** `if (length of the input > longInput) for (;;);`, and then a result at 128. */
const endlessForLongInputs = [
  0x20,
  4,
  ...constant(longInput),
  0x4a,
  0x04,
  0x40,
  ...loopForEver,
  0x0b,
  ...constant(128),
];

void test('wasm: a module that OPA did not make, and that never ends for one request only', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const texts = { 16: '{"portcullis/authz/decision":0}', 128: '{{"result":true}}' };
  const content = { '/policy.wasm': fakeOpaModule({ evaluate: endlessForLongInputs, texts }) };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { policy: { bundle: './bundle.tar.gz', engine: 'wasm' }, limits: { stall: '1m' } },
    files: { 'bundle.tar.gz': packed(content) },
  });
  t.equal((await ask(proxy, '/fine'))?.status, 200);
  const victim = await connectRaw(proxy.port, proxy.client);
  victim.write(requestText('GET', `/${'x'.repeat(longInput)}`));
  t.notMatch(await victim.untilClosed(), 'HTTP/1.1');
  await eventually(async () => ofType(proxy, 'policy.bad').length === 1);
  t.match(ofType(proxy, 'thread.replaced'), [{ reason: 'deadline' }]);
  await eventually(async () => (await ask(proxy, '/fine').catch(() => undefined))?.status === 503);
  t.equal(workload.hits(), 1);
  t.equal(await proxy.stop(), 0);
});

void test('plan: the request is undecided, and nothing else happens', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      policy: { rego: './policy', engine: 'plan', cache: {} },
      explain_to: [clientId],
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'list', methods: ['POST'], path: '/list', body: { 'application/json': './list.json' } },
      ],
    },
    files: { 'policy/authz.rego': rego, 'list.json': '{"type":"array","items":{"type":"integer"}}' },
  });
  const kept = await connectRaw(proxy.port, proxy.client);
  kept.write(requestText('GET', '/endless') + requestText('GET', '/fine'));
  await kept.until((text) => (text.match(/HTTP\/1\.1 \d+/g) ?? []).length === 2);
  t.match(kept.text(), /^HTTP\/1\.1 503 [^]*"policy-undecided"[^]*HTTP\/1\.1 200 /, 'on the same connection');
  kept.close();
  t.match(ofType(proxy, 'authz.error'), [{ reason: 'policy-undecided', detail: /step/ }]);
  t.equal(ofType(proxy, 'thread.replaced').length + ofType(proxy, 'policy.bad').length, 0);
  t.equal((await proxy.admin('/readyz')).status, 200);

  const outcomes = async () => [
    await proxy.metric('portcullis_policy_cache_total{outcome="hit"}'),
    await proxy.metric('portcullis_policy_cache_total{outcome="miss"}'),
  ];
  t.strictSame(await outcomes(), [0, 2]);
  t.equal((await ask(proxy, '/fine'))?.status, 200);
  t.strictSame(await outcomes(), [1, 2], 'the policy reads who asks and the path, and both were asked before');
  t.equal((await ask(proxy, '/endless'))?.status, 503);
  t.strictSame(await outcomes(), [1, 3], 'what failed is not kept');
  t.equal((await ask(proxy, '/replace/a'))?.status, 200, 'replace of nothing has an answer, as in Go');
  t.match(ofType(proxy, 'authz.allow').at(-1), { rule: '-a-' });

  const list = (items: number) =>
    requestText('POST', '/list', ['Content-Type: application/json'], `[${'1,'.repeat(items - 1)}1]`);
  const large = await connectRaw(proxy.port, proxy.client);
  large.write(list(10) + list(500_000) + requestText('GET', '/fine'));
  await large.until((text) => (text.match(/HTTP\/1\.1 \d+/g) ?? []).length === 3);
  t.same(
    large.text().match(/(?<=HTTP\/1\.1 )\d+/g),
    ['200', '503', '200'],
    'each item with each other of 1 MB: THREATS 1.4',
  );
  large.close();
  t.match(ofType(proxy, 'authz.error').at(-1), { reason: 'policy-undecided', detail: /step/ });
  t.equal(ofType(proxy, 'thread.replaced').length + ofType(proxy, 'policy.bad').length, 0);
  t.equal(await proxy.stop(), 0);
});

void test('wasm: a policy that no request gets through is refused at the start', async (t) => {
  const always =
    'xs := numbers.range(1, 100000)\n\tys := numbers.range(-100000, -1)\n\tsome x in xs\n\tsome y in ys\n\tx == y';
  const { code, stderr } = await expectNoStart(t, {
    workloadPort: 1,
    config: { policy: { rego: './policy', engine: 'wasm' } },
    files: { 'policy/authz.rego': `package portcullis.authz\n\ndecision if {\n\t${always}\n}\n` },
  });
  t.equal(code, 3);
  t.match(stderr, /error\[policy-too-slow\]: the policy did not decide a sample request within 1000 ms/);
});
