import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, type AuditRecord, startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { type Content, packed } from '../unit/bundle/archives.ts';
import { constant, type FakeModule, fakeOpaModule, loopForEver } from '../unit/policy/fake-opa-module.ts';

const rego = (condition: string) => `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if {
	input.attributes.source.principal == "${clientId}"
	${condition}
}
`;

const bundle = (revision: string, condition: string, more: Content = {}): Content => ({
  '/data.json': '{"closed":["b"]}\n',
  '/policies/authz.rego': rego(condition),
  '/.manifest': JSON.stringify({ revision, roots: [''], rego_version: 1 }),
  ...more,
});

/** A module that OPA did not make, with no Rego to compile instead. */
const foreign = (module: Partial<FakeModule>): Content => ({
  '/policy.wasm': fakeOpaModule({
    evaluate: constant(128),
    ...module,
    texts: { 16: '{"portcullis/authz/decision":0}', 128: '{{"result":true}}', ...module.texts },
  }),
});

const otherCapabilities = { portcullis: { capabilities: 'sha256:00', files: {} } };

const open = 'not input.parsed_path[0] in data.closed';

function put(folder: string, bytes: Uint8Array): void {
  writeFileSync(join(folder, 'next.tar.gz'), bytes);
  renameSync(join(folder, 'next.tar.gz'), join(folder, 'bundle.tar.gz'));
}

async function status(proxy: TestProxy, path: string): Promise<number | undefined> {
  const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', path));
  client.close();
  return answer?.status;
}

const policyInForce = async (proxy: TestProxy) =>
  (JSON.parse((await proxy.admin('/snapshot')).body) as { policy: { name: string; revision: string } }).policy;

void test('a bundle file while it changes', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { policy: { bundle: './bundle.tar.gz', engine: 'wasm' } },
    files: { 'bundle.tar.gz': packed(bundle('v1', open)) },
  });
  const records = (type: string) => proxy.audit().filter((record) => record.type === type);
  const next = async (type: string, bytes: Uint8Array): Promise<AuditRecord> => {
    const before = records(type).length;
    put(proxy.folder, bytes);
    await proxy.untilRecord(() => records(type).length > before);
    return records(type)[before] as AuditRecord;
  };
  t.equal(await status(proxy, '/a'), 200);
  t.equal(await status(proxy, '/b'), 403);
  const first = await policyInForce(proxy);
  t.match(records('policy.load'), [{ policy: { name: 'v1', revision: first.revision } }]);

  const loaded = await next('policy.load', packed(bundle('v2', `${open}\n\tinput.parsed_path[0] != "c"`)));
  t.match(loaded, { policy: { name: 'v2' } });
  t.equal((await policyInForce(proxy)).name, 'v2');
  t.equal(await status(proxy, '/c'), 403);

  // Needs no memory, whose limit would end it.
  const endless =
    'xs := numbers.range(1, 100000)\n\tys := numbers.range(-100000, -1)\n\tsome x in xs\n\tsome y in ys\n\tx == y';
  const refused: readonly (readonly [what: string, bytes: Uint8Array, reason: string, detail: RegExp])[] = [
    [
      'cut off',
      packed(bundle('v3', open)).subarray(0, -9),
      'bundle-invalid',
      /bundle\.tar\.gz is not a whole \.tar\.gz/,
    ],
    ['signed', packed(bundle('v4', open, { '/.signatures.json': '{}' })), 'bundle-signed', /not verified here yet/],
    ['with a type error', packed(bundle('v5', 'count(1)')), 'rego-does-not-compile', /policies\/authz\.rego:7:2: /],
    [
      'that never ends',
      packed(bundle('v6', `true\n} else := {"allow": false} if {\n\t${endless}`)),
      'policy-too-slow',
      /1000 ms/,
    ],
    [
      'for other built-ins',
      packed(bundle('v6', open, { '/.manifest': JSON.stringify({ metadata: otherCapabilities }) })),
      'bundle-capabilities',
      /made for the capabilities sha256:00, and here are sha256:[0-9a-f]{64}/,
    ],
    ['whose module does not start', packed(foreign({ start: loopForEver })), 'policy-too-slow', /1000 ms/],
    [
      'whose module says nothing of itself',
      packed(foreign({ texts: { 16: '' } })),
      'wasm-invalid',
      /its entrypoints cannot be read/,
    ],
  ];
  for (const [what, bytes, reason, detail] of refused) {
    const file = /bundle\.tar\.gz$/;
    t.match(await next('policy.reject', bytes), { reason, detail, file, outcome: 'deny' }, what);
    t.equal((await policyInForce(proxy)).name, 'v2', 'the old one stays');
    t.equal(await status(proxy, '/a'), 200);
  }
  t.equal(records('thread.replaced').length, 0, 'no request suffered from any of them');
  await next('policy.load', packed(bundle('v7', open)));
  const renamed = await next('policy.load', packed(bundle('v8', open)));
  t.match(renamed, { policy: { name: 'v8' } }, 'another name alone is on record too');
  t.equal((await policyInForce(proxy)).revision, first.revision, 'the same content under another name');
  t.equal(await status(proxy, '/c'), 200);
  t.equal(await proxy.stop(), 0);
});
