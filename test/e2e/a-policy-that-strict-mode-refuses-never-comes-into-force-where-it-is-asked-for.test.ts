import { type Test, test } from 'tap';
import { replaceFile } from '../harness/change-files.ts';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { base, isClear, workloadPort } from '../harness/failed-start.ts';
import { clientId, expectNoStart, newFolder, startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const rego = (before = '') => `package portcullis.authz

${before}

default decision := false

decision if input.attributes.source.principal == "${clientId}"
`;
/** OPA runs it. */
const unused = rego('import data.users');

const routes = [{ name: 'read', methods: ['GET'], path: '/a/{name}' }];
const strict = { policy: { rego: './policy', strict: true }, routes };

async function status(proxy: TestProxy): Promise<number | undefined> {
  const client = await connectRaw(proxy.port, proxy.client);
  client.write(requestText('GET', '/a/1', [], ''));
  const text = await client.until((soFar) => parseAnswer(soFar) !== undefined);
  client.close();
  return parseAnswer(text)?.status;
}

async function serving(t: Test, policy: Readonly<Record<string, unknown>>, text: string): Promise<TestProxy> {
  const workload = await startWorkload();
  t.teardown(workload.close);
  return startProxy(t, {
    workloadPort: workload.port,
    config: { ...strict, policy: { rego: './policy', ...policy } },
    files: { 'policy/authz.rego': text },
  });
}

const files = { 'policy/authz.rego': unused };
const refused = { code: 'rego-not-strict', says: /authz\.rego:3:1: import data\.users unused.*policy\.strict/s };

for (const [name, config] of Object.entries({
  'it is asked for': strict,
  'the profile is regulated': { ...strict, policy: { rego: './policy' }, profile: 'regulated' },
})) {
  test(`where ${name}, the proxy does not start`, async (t) => {
    const setup = { workloadPort, folder: newFolder(t), config: { ...base, ...config }, files };
    isClear(t, await expectNoStart(t, setup), refused);
  });
}

test('where nobody asks for it, the policy decides as in OPA', async (t) => {
  t.equal(await status(await serving(t, {}, unused)), 200);
});

test('a reload keeps the old policy, and says so in the log, a metric and the audit', async (t) => {
  const proxy = await serving(t, { strict: true }, rego());
  replaceFile(proxy, 'policy/authz.rego', unused);
  const record = await proxy.untilRecord(({ type }) => type === 'policy.reject');
  t.match(record, { outcome: 'deny', reason: 'rego-not-strict', detail: /authz\.rego:3:1: import data\.users unused/ });
  t.match(record['file'], /authz\.rego$/);
  await proxy.untilLog((log) => /"event":"policy\.reject".*"remedy":"correct the lines listed above/.test(log));
  t.equal(await proxy.metric('portcullis_reloads_total{outcome="rejected"}'), 1);
  t.equal(await status(proxy), 200);
});
