import { test } from 'tap';
import { replaceFile, untilInForce } from '../harness/change-files.ts';
import { connectRaw, exchange, type RawClient, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { quadraticPolicy as quadratic } from '../harness/slow-policy.ts';
import { startWorkload } from '../harness/workload.ts';

const linear = quadratic.replace('some y in ys', 'y := ys[0]');
const route = { name: 'order', methods: ['POST'], path: '/order', body: { 'application/json': './any.schema.json' } };
const head = ['Content-Type: application/json', 'Content-Length: 2', 'Expect: 100-continue'];

/** A request keeps the policy that it was accepted with, and its body comes when its client likes. */
void test('bodies that come after the policy was mended', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 2,
      policy: { rego: './policy', engine: 'wasm' },
      routes: [route, { name: 'any', methods: ['GET'], path: '/{rest...}' }],
    },
    files: { 'policy/authz.rego': quadratic, 'any.schema.json': '{"type": "object"}' },
  });
  const held = await Promise.all(Array.from({ length: 8 }, () => connectRaw(proxy.port, proxy.client)));
  for (const client of held) client.write(requestText('POST', '/order?n=100000', head));
  await Promise.all(held.map((client) => client.until((text) => text.includes('100 Continue'))));
  const mended = await untilInForce(proxy, () => replaceFile(proxy, 'policy/authz.rego', linear));

  const [first, ...others] = held;
  first?.write('{}');
  const bad = await proxy.untilRecord(({ type }) => type === 'policy.bad');
  const replacements = () => proxy.audit().filter(({ type }) => type === 'thread.replaced');
  t.match(replacements(), [{ reason: 'deadline', policy: bad['policy'] }]);
  t.not((bad['policy'] as { revision: string }).revision, (mended['policy'] as { revision: string }).revision);

  t.equal(await policyIsGood(proxy), true, 'the policy in force is not the one that stopped a thread');
  await eventually(async () => (await proxy.admin('/readyz')).status === 200);
  // A scrape asks each thread, which has heard by then what was condemned.
  await proxy.admin('/metrics');
  for (const client of others) client.write('{}');
  const answers = await Promise.all(others.map(answered));
  for (const text of answers) t.notMatch(text, 'HTTP/1.1 200', 'one that has stopped a thread allows nothing any more');
  t.equal(replacements().length, 1, 'and is not asked again, by those who were accepted with it neither');
  t.equal(workload.hits(), 0);

  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/mended?n=100'));
  t.equal(answer?.status, 200, 'the mended policy decides');
  for (const { close } of [client, ...others]) close();
  await untilInForce(proxy, () => replaceFile(proxy, 'policy/authz.rego', quadratic));
  t.equal(await policyIsGood(proxy), false, 'and the bad one stays bad when it is put back');
  t.equal(await proxy.stop(), 0);
});

/** All that came up to the answer behind `100 Continue`, or to the end of a connection that broke off with its thread. */
function answered(client: RawClient): Promise<string> {
  return client.until((text) => /HTTP\/1\.1 [2-5].*\r\n\r\n/s.test(text)).catch(() => client.text());
}

async function policyIsGood(proxy: TestProxy): Promise<boolean | undefined> {
  const { body } = await proxy.admin('/readyz');
  const { conditions } = JSON.parse(body) as { conditions: readonly { name: string; ok: boolean }[] };
  return conditions.find(({ name }) => name === 'policy')?.ok;
}
