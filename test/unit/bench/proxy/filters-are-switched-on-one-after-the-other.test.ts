import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { allowAllRego, rungsOf } from '../../../../bench/proxy/filters.ts';
import { withCosts } from '../../../../bench/proxy/filter-costs.ts';
import { apart, settingsOf, withWorkload } from '../../../../bench/proxy/settings.ts';
import { loadConfig } from '../../../../proxy/config/load-config.ts';
import { thisMachine } from '../../../../proxy/config/world.ts';
import type { SubjectResult } from '../../../../bench/result.ts';
import { newFolder } from '../../../harness/proxy.ts';

const full = `
identity: { trust_domain: a.example, spiffe_id: 'spiffe://a.example/p', state: ./state, passphrase_file: ./secret }
listen: 0.0.0.0:8443
workload: { address: 127.0.0.1:8080, connect_timeout: 2s, breaker: { failures: 3 }, standby: { address: 127.0.0.1:8081 } }
policy: { rego: ./policy, engine: verify, verify_share: 0.5 }
profile: regulated
audit: { folder: ./evidence, segment: 1MiB }
limits: { max_in_flight: 10, head: 3s }
routes:
  - { name: read, methods: [GET], path: '/a/{id}', quota: { requests: 2, per: 1h, burst: 1 }, path_schema: ./s.json }
  - { name: write, methods: [POST], path: /a, body: { application/json: ./s.json }, response: { application/json: ./s.json }, max_response: 1KiB }
`;
const plain = `
identity: { trust_domain: a.example, spiffe_id: 'spiffe://a.example/p' }
listen: 0.0.0.0:8443
workload: 127.0.0.1:8080
policy: { rego: ./policy }
audit: { mode: best-effort }
routes: [{ name: read, methods: [GET], path: '/{rest...}' }]
`;

test('each rung has one filter more, and the last is the configuration itself', (t) => {
  const whole = settingsOf(full);
  const rungs = rungsOf(whole, '/allow');
  t.same(
    rungs.map(({ name, about }) => [name, about]),
    [
      ['forwarding alone', 'without schemas, quotas, its policy, records that are required'],
      ['+ schemas', 'without quotas, its policy, records that are required'],
      ['+ quotas', 'without its policy, records that are required'],
      ['+ its policy', 'without records that are required'],
      ['+ records that are required', 'the whole configuration'],
    ],
  );
  t.same(rungs.at(-1)?.settings, whole);
  t.match(rungs[0]?.settings, {
    policy: { rego: '/allow', engine: 'verify', verify_share: 0.5 },
    profile: 'standard',
    audit: { mode: 'best-effort', segment: '1MiB' },
    routes: [
      { name: 'read', path: '/a/{id}' },
      { name: 'write', body: 'stream' },
    ],
  });
  t.notMatch(JSON.stringify(rungs[0]?.settings), /schema|quota|s\.json/);
  t.match(JSON.stringify(rungs[1]?.settings), /path_schema.*response/);
  t.end();
});

test('who asks for tokens of users has a rung for them', (t) => {
  const whole = settingsOf(plain.replace("{rest...}'", "{rest...}', user: { issuers: [own] }"));
  const rungs = rungsOf(whole, '/allow');
  t.same(
    rungs.map(({ name }) => name),
    ['forwarding alone', '+ tokens of users', '+ its policy'],
  );
  t.notMatch(JSON.stringify(rungs[0]?.settings), /issuers/);
  t.match(rungs[1]?.settings, { routes: [{ user: { issuers: ['own'] } }] });
  t.end();
});

test('a filter costs what its rung took more than the one before, round by round', (t) => {
  const rung = (...cpus: readonly (number | null)[]): SubjectResult => {
    const rounds = cpus.map((cpu) => ({ operations: 1, failures: 0, p50: 1, p99: 1, cpu, perSecond: 1 }));
    const latency = { p50: 1, p90: 1, p99: 1, p999: 1, max: 1, distribution: [] };
    return { name: '', case: '', about: '', rounds, latency, stages: [], memory: [], extra: [] };
  };
  const costs = (...rungs: readonly SubjectResult[]) =>
    withCosts(rungs).map(({ extra }) => extra.map(({ name, value, unit }) => `${name} ${value} ${unit}`));
  t.same(costs(rung(100, 200, 50), rung(110, 195, 70)), [
    [],
    ['this filter 10 us of CPU', 'least of all rounds -5 us of CPU', 'most of all rounds 20 us of CPU'],
  ]);
  t.same(costs(rung(null), rung(10)), [[], []], 'what is not known is not told');
  t.end();
});

test('what a configuration does not use has no rung', (t) => {
  const names = rungsOf(settingsOf(plain), '/allow').map(({ name }) => name);
  t.same(names, ['forwarding alone', '+ its policy']);
  t.end();
});

test('every rung is a configuration, with places, ports and keys of its own and limits that let load through', async (t) => {
  const folder = newFolder(t);
  for (const name of ['allow', 'policy']) mkdirSync(join(folder, name), { recursive: true });
  const files = { 's.json': '{"type":"object"}', 'allow/a.rego': allowAllRego, 'policy/a.rego': allowAllRego };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 });
  const file = join(folder, 'portcullis.yaml');
  const own = '/run/bench';
  for (const { name, settings } of rungsOf(settingsOf(full), join(folder, 'allow'))) {
    writeFileSync(file, JSON.stringify(withWorkload(apart(settings, own, { ownKeys: false }), '127.0.0.1:9')));
    const loaded = await loadConfig(file, thisMachine());
    if (!loaded.ok) {
      t.fail(`${name}: ${loaded.problems.map(({ message }) => message).join('; ')}`);
      continue;
    }
    const { config } = loaded;
    t.match(config, {
      listen: { host: '127.0.0.1', port: 0 },
      admin: { kind: 'unix', path: '/run/bench/admin.sock' },
      identity: { stateFolder: '/run/bench/state', source: { kind: 'local-ca', passphraseFile: undefined } },
      audit: { folder: '/run/bench/audit', segmentBytes: 1024 ** 2 },
      workload: {
        address: { kind: 'tcp', host: '127.0.0.1', port: 9 },
        connectTimeoutMs: 2000,
        breaker: undefined,
        standby: undefined,
      },
      limits: { headMs: 3000, maxInFlight: 1_000_000, maxRequestsPerConnection: 1_000_000 },
    });
    const quotas = config.routes.map(({ quota }) => quota?.requests);
    t.same(
      quotas,
      name === 'forwarding alone' || name === '+ schemas' ? [undefined, undefined] : [1_000_000, undefined],
    );
  }
  const agent = 'socket: unix:///run/agent.sock, federation: [b.example]';
  const asking = plain.replace("/p' }", `/p', workload_api: { ${agent} } }\nfederated_routes: { b.example: [read] }`);
  const ofAgent = settingsOf(asking);
  writeFileSync(file, JSON.stringify(apart(ofAgent, own, { ownKeys: false })));
  t.match(await loadConfig(file, thisMachine()), { config: { identity: { source: { kind: 'local-ca' } } } });
  const { identity, federated_routes } = apart(ofAgent, own, { ownKeys: true });
  t.match(
    { identity, federated_routes },
    { identity: ofAgent['identity'], federated_routes: { 'b.example': ['read'] } },
  );
  const served = apart(settingsOf(`${plain}workload_api: { sockets: [] }`), own, { ownKeys: true });
  t.notOk('workload_api' in served, 'its sockets are those of the proxy that runs');
  const kept = apart(settingsOf(full), own, { ownKeys: true });
  t.match(
    kept,
    { identity: { passphrase_file: './secret' } },
    'a copy of the own keys is read with the own passphrase',
  );
});
