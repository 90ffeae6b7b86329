import { mkdirSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { replaceFile } from '../harness/change-files.ts';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { type AuditRecord, clientId, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const rego = (extra = '') => `package portcullis.authz

default decision := {"allow": false, "rule": "default"}

decision := {"allow": true, "rule": "client"} if {
	input.attributes.source.principal == "${clientId}"
	not input.attributes.request.http.path in data.closed
	${extra}
}
`;
const schema = (required: readonly string[]) =>
  JSON.stringify({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: { item: { type: 'string' }, note: { type: 'string' } },
    required,
    additionalProperties: false,
  });
const data = (closed: readonly string[]) => JSON.stringify({ closed });

const routes = [
  { name: 'read', methods: ['GET'], path: '/a/{name}' },
  { name: 'write', methods: ['POST'], path: '/a/{name}', body: { 'application/json': './order.schema.json' } },
];
const config = { policy: { rego: './policy', data: './data.json' }, routes };
/** The whole file, as the harness would write it. */
const wholeConfig = (workloadPort: number, more: Readonly<Record<string, unknown>> = {}) =>
  JSON.stringify({
    identity: { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy` },
    listen: '127.0.0.1:0',
    workload: `127.0.0.1:${workloadPort}`,
    admin: 'unix:./admin.sock',
    ...config,
    ...more,
  });

async function status(proxy: TestProxy, method: string, target: string, body = ''): Promise<number | undefined> {
  const client = await connectRaw(proxy.port, proxy.client);
  client.write(requestText(method, target, body === '' ? [] : ['Content-Type: application/json'], body));
  const text = await client.until((soFar) => parseAnswer(soFar) !== undefined);
  client.close();
  return parseAnswer(text)?.status;
}

const ofType = (proxy: TestProxy, ...types: readonly string[]) =>
  proxy.audit().filter(({ type }) => types.includes(type));
const digestInForce = async (proxy: TestProxy) => {
  const { digest } = JSON.parse((await proxy.admin('/snapshot')).body) as { digest: string };
  return digest;
};

/** Makes the change and waits for the swap; then everything must name the new digest. */
async function comesIntoForce(t: Test, proxy: TestProxy, change: () => void): Promise<AuditRecord> {
  const [before, loads, swaps] = [
    await digestInForce(proxy),
    await proxy.metric('portcullis_reloads_total{outcome="loaded"}'),
    ofType(proxy, 'snapshot.swap').length,
  ];
  change();
  await proxy.untilRecord(() => ofType(proxy, 'snapshot.swap').length > swaps);
  const swap = ofType(proxy, 'snapshot.swap').at(-1) as AuditRecord;
  t.match(swap, { previous_snapshot: before, outcome: 'allow' });
  t.not(swap['snapshot'], before);
  t.match(ofType(proxy, 'config.load').at(-1), { snapshot: swap['snapshot'] });
  t.equal(await digestInForce(proxy), swap['snapshot']);
  t.equal(await proxy.metric('portcullis_reloads_total{outcome="loaded"}'), loads + 1);
  t.equal(await proxy.metric(`portcullis_snapshot_info{digest="${String(swap['snapshot'])}"`), 1);
  return swap;
}

/** Makes the change and waits for the refusal; then nothing else may have changed. */
async function isRejected(t: Test, proxy: TestProxy, change: () => void): Promise<string> {
  const [before, rejections, refusals] = [
    await digestInForce(proxy),
    await proxy.metric('portcullis_reloads_total{outcome="rejected"}'),
    ofType(proxy, 'config.reject', 'policy.reject').length,
  ];
  const logged = proxy.log().length;
  change();
  await proxy.untilRecord(() => ofType(proxy, 'config.reject', 'policy.reject').length > refusals);
  const record = ofType(proxy, 'config.reject', 'policy.reject').at(-1) as AuditRecord;
  t.match(record, { outcome: 'deny', snapshot: before });
  await proxy.untilLog((log) => log.slice(logged).includes('"stays"'));
  const line = proxy
    .log()
    .slice(logged)
    .split('\n')
    .find((each) => each.includes('"stays"'));
  t.match(JSON.parse(line ?? '{}'), {
    level: 'error',
    event: record.type,
    reason: record.reason,
    stays: before,
    remedy: /\S/,
  });
  t.equal(await digestInForce(proxy), before);
  t.equal(await proxy.metric('portcullis_reloads_total{outcome="rejected"}'), rejections + 1);
  t.equal(await status(proxy, 'GET', '/a/1'), 200, 'and it still serves');
  return `${record.type} ${record.reason}: ${String(record['detail'])} in ${String(record['file'])}`;
}

test('files change while it runs', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    switches: ['--standby-compiler'],
    workloadPort: workload.port,
    config: { ...config, threads: 2 },
    files: { 'policy/authz.rego': rego(), 'order.schema.json': schema(['item']), 'data.json': data([]) },
  });
  const write = (more: Readonly<Record<string, unknown>> = {}) =>
    replaceFile(proxy, 'portcullis.yaml', wholeConfig(workload.port, { threads: 2, ...more }));

  await t.test('a new route, rule, schema and data each come into force', async (t) => {
    t.equal(await status(proxy, 'GET', '/b'), 404);
    const more = { routes: [...routes, { name: 'b', methods: ['GET'], path: '/b' }] };
    await comesIntoForce(t, proxy, () => write(more));
    t.equal(await status(proxy, 'GET', '/b'), 200);

    const policies = ofType(proxy, 'policy.load').length;
    const swap = await comesIntoForce(t, proxy, () =>
      replaceFile(proxy, 'policy/authz.rego', rego('input.attributes.request.http.path != "/b"')),
    );
    t.equal(await status(proxy, 'GET', '/b'), 403);
    const loaded = ofType(proxy, 'policy.load');
    t.equal(loaded.length, policies + 1);
    t.match(loaded.at(-1), { snapshot: swap['snapshot'], policy: swap['policy'] });

    t.equal(await status(proxy, 'POST', '/a/1', '{"item":"x"}'), 200);
    await comesIntoForce(t, proxy, () => replaceFile(proxy, 'order.schema.json', schema(['item', 'note'])));
    t.equal(await status(proxy, 'POST', '/a/1', '{"item":"x"}'), 422);
    t.equal(await status(proxy, 'POST', '/a/1', '{"item":"x","note":""}'), 200);

    await comesIntoForce(t, proxy, () => replaceFile(proxy, 'data.json', data(['/a/2'])));
    t.equal(await status(proxy, 'GET', '/a/2'), 403);
    t.equal(await status(proxy, 'GET', '/a/1'), 200);
  });

  await t.test('a Kubernetes volume, swapped by one link', async (t) => {
    const volume = join(proxy.folder, 'volume');
    const version = (name: string, path: string) => {
      mkdirSync(join(volume, name), { recursive: true });
      writeFileSync(join(volume, name, 'authz.rego'), rego(`input.attributes.request.http.path != "${path}"`));
    };
    version('..2026_11_21_1', '/a/3');
    symlinkSync('..2026_11_21_1', join(volume, '..data'));
    symlinkSync('..data/authz.rego', join(volume, 'authz.rego'));
    await comesIntoForce(t, proxy, () => write({ policy: { rego: './volume', data: './data.json' } }));
    t.equal(await status(proxy, 'GET', '/a/3'), 403);
    await comesIntoForce(t, proxy, () => {
      version('..2026_11_21_2', '/a/4');
      symlinkSync('..2026_11_21_2', join(volume, '..data_tmp'));
      renameSync(join(volume, '..data_tmp'), join(volume, '..data'));
      rmSync(join(volume, '..2026_11_21_1'), { recursive: true });
    });
    t.equal(await status(proxy, 'GET', '/a/3'), 200);
    t.equal(await status(proxy, 'GET', '/a/4'), 403);
    await comesIntoForce(t, proxy, () => write());
  });

  await t.test('what is broken stays out, says why, and is accepted once it is mended', async (t) => {
    const broken: readonly {
      readonly name: string;
      readonly change: () => void;
      readonly says: RegExp;
      readonly mend: () => void;
    }[] = [
      {
        name: 'YAML that is none',
        change: () => replaceFile(proxy, 'portcullis.yaml', 'listen: [\n'),
        says: /^config\.reject config-invalid: 1 problem\n {2}portcullis\.yaml:\d+:\d+: /,
        mend: () => write({ drain: '30s', limits: { max_headers: 90 } }),
      },
      {
        name: 'a configuration that is gone',
        change: () => rmSync(join(proxy.folder, 'portcullis.yaml')),
        says: /^config\.reject config-invalid: .*portcullis\.yaml.*no such file/s,
        mend: () => write({ limits: { max_headers: 91 } }),
      },
      {
        name: 'a key that needs a restart',
        change: () => write({ threads: 1 }),
        says: /^config\.reject config-needs-restart: threads cannot change while running/,
        mend: () => write({ limits: { max_headers: 92 } }),
      },
      {
        name: 'a quota for which no memory was reserved',
        change: () => write({ routes: [{ ...routes[0], quota: { requests: 9, per: '1s' } }] }),
        says: /^config\.reject config-needs-restart: routes: 1 have a quota, and at start memory was reserved for 0/,
        mend: () => write({ limits: { max_headers: 93 } }),
      },
      {
        name: 'Rego with a mistake',
        change: () => replaceFile(proxy, 'policy/authz.rego', 'package portcullis.authz\n\ndecision := {\n'),
        says: /^policy\.reject rego-does-not-compile: .*authz\.rego:\d+.* in \/.*authz\.rego$/s,
        mend: () => replaceFile(proxy, 'policy/authz.rego', rego('true')),
      },
      {
        name: 'Rego with a type error',
        change: () => replaceFile(proxy, 'policy/authz.rego', rego('count(1) == 1')),
        says: /^policy\.reject rego-does-not-compile: .*authz\.rego:\d+:\d+: count: invalid argument\(s\)/s,
        mend: () => replaceFile(proxy, 'policy/authz.rego', rego('2 == 2')),
      },
      {
        name: 'Rego that calls what would make a decision impure',
        change: () =>
          replaceFile(proxy, 'policy/authz.rego', rego('http.send({"method": "get", "url": "http://[::1]"})')),
        says: /^policy\.reject builtin-refused: .*authz\.rego:\d+:\d+: the built-in http\.send is refused: it asks/s,
        mend: () => replaceFile(proxy, 'policy/authz.rego', rego('3 == 3')),
      },
      {
        name: 'Rego without the entrypoint',
        change: () => replaceFile(proxy, 'policy/authz.rego', 'package portcullis.other\n\nx := 1\n'),
        says: /^policy\.reject entrypoint-missing: .*portcullis\/authz\/decision; the policy has portcullis\/other\/x in \/.*portcullis\.yaml$/s,
        mend: () => replaceFile(proxy, 'policy/authz.rego', rego('1 == 1')),
      },
      {
        name: 'a schema that is none',
        change: () => replaceFile(proxy, 'order.schema.json', '{"type": "strin"}'),
        says: /^config\.reject config-invalid: .*order\.schema\.json:1:\d+: .*type/s,
        mend: () => replaceFile(proxy, 'order.schema.json', schema([])),
      },
      {
        name: 'data that is no JSON',
        change: () => replaceFile(proxy, 'data.json', '{"closed": [}'),
        says: /^config\.reject config-invalid: .*data\.json:1:\d+: not valid JSON.* in \/.*data\.json$/s,
        mend: () => replaceFile(proxy, 'data.json', data(['/a/7'])),
      },
      {
        name: 'data of 200 MB, which nobody reads',
        change: () => {
          writeFileSync(join(proxy.folder, 'large.json'), '');
          truncateSync(join(proxy.folder, 'large.json'), 200 * 1024 * 1024);
          renameSync(join(proxy.folder, 'large.json'), join(proxy.folder, 'data.json'));
        },
        says: /^config\.reject config-invalid: .*data\.json has 209715200 bytes, more than 67108864/s,
        mend: () => replaceFile(proxy, 'data.json', data(['/a/6'])),
      },
      {
        name: 'data that is gone',
        change: () => rmSync(join(proxy.folder, 'data.json')),
        says: /^config\.reject config-invalid: .*data\.json: no such file/s,
        mend: () => replaceFile(proxy, 'data.json', data(['/a/8'])),
      },
      {
        name: 'a schema that is not there yet',
        change: () => write({ routes: [{ ...routes[0], query_schema: './later.schema.json' }] }),
        says: /^config\.reject config-invalid: .*later\.schema\.json: no such file/s,
        mend: () => replaceFile(proxy, 'later.schema.json', schema([])),
      },
    ];
    for (const { name, change, says, mend } of broken) {
      await t.test(name, async (t) => {
        t.match(await isRejected(t, proxy, change), says);
        await comesIntoForce(t, proxy, mend);
        t.equal(await status(proxy, 'GET', '/a/1'), 200);
      });
    }
  });

  await t.test('what was refused and is put back as it was is seen, though nothing changes', async (t) => {
    const unchanged = () => proxy.log().split('"event":"config.unchanged"').length - 1;
    t.equal(unchanged(), 0);
    await isRejected(t, proxy, () => replaceFile(proxy, 'data.json', '{'));
    const loads = await proxy.metric('portcullis_reloads_total{outcome="loaded"}');
    replaceFile(proxy, 'data.json', data(['/a/8']));
    await proxy.untilLog(() => unchanged() === 1);
    t.equal(await proxy.metric('portcullis_reloads_total{outcome="loaded"}'), loads);
  });
  t.equal(await proxy.stop(), 0);
});
