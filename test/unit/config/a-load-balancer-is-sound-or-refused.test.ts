import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { tokenKey } from '../../harness/user-tokens.ts';
import { good, problemsOf, world, writeFolder } from './folder.ts';

const key = tokenKey('one');
const weak = tokenKey('weak', 'rsa', { bits: 1024, exponent: 65_537 });
const bundle = (jwk: object, use: string) => JSON.stringify({ keys: [{ ...jwk, use }] });
const files = {
  'shop.json': bundle(key.jwk, 'jwt-svid'),
  'x509.json': bundle(key.jwk, 'x509-svid'),
  'weak.json': `{\n  "keys": [\n    ${JSON.stringify({ ...weak.jwk, use: 'jwt-svid' })}\n  ]\n}`,
};
const section = `load_balancers:
  peers: [spiffe://shop.test/edge]
  jwt_bundles:
    shop.test: ./shop.json
`;
const having = (more: string) => `${good}${section}${more}`;
const instead = (from: string, to: string) => `${good}${section.replace(from, to)}`;

void test('a good one, with its defaults, whose keys are watched', async (t) => {
  const loaded = await loadConfig(writeFolder(t.testdir(), having(''), files), world);
  t.match(loaded, {
    ok: true,
    config: {
      loadBalancers: {
        peers: ['spiffe://shop.test/edge'],
        header: 'x-jwt-svid',
        optional: false,
        audience: ['spiffe://shop.test/orders'],
        maxLifetimeMs: 3_600_000,
        jwtBundles: [{ trustDomain: 'shop.test', file: /shop\.json$/ }],
      },
    },
  });
  t.ok(loaded.watched.some((file) => file.endsWith('shop.json')));
});

void test('one whose keys come from the agent of our identity: of our own domain and of its federation', async (t) => {
  const agent = 'workload_api: { socket: "tcp://127.0.0.1:8081", federation: [partner.test] }';
  const text = `${good.replace('passphrase_file: ./pass', agent)}${section.replace(/jwt_bundles:[^]*/, 'jwt_bundles: workload_api\n')}`;
  const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
  const jwtBundles = ['shop.test', 'partner.test'].map((trustDomain) => ({ trustDomain, file: undefined }));
  t.match(loaded, { ok: true, config: { loadBalancers: { jwtBundles } } });
});

void test('one whose keys a bundle endpoint serves', async (t) => {
  const federation = 'federation: [{ trust_domain: b.test, url: "https://b.test/", profile: https_web }]\n';
  const text = `${instead('shop.test: ./shop.json', 'b.test: federation')}${federation}`;
  const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
  const jwtBundles = [{ trustDomain: 'b.test', file: undefined, isFederated: true }];
  t.match(loaded, { ok: true, config: { loadBalancers: { jwtBundles } } });
});

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  [instead('[spiffe://shop.test/edge]', '[]'), /load_balancers\.peers.*is empty/],
  [instead('spiffe://shop.test/edge', 'edge'), /load_balancers\.peers\[0\]/],
  [instead('spiffe://shop.test/edge', '"spiffe://shop.test/*"'), /load_balancers\.peers\[0\]/],
  [instead('  jwt_bundles:\n    shop.test: ./shop.json\n', ''), /load_balancers\.jwt_bundles.*is required/],
  [instead('\n    shop.test: ./shop.json', ' {}'), /jwt_bundles.*is empty/],
  [instead('\n    shop.test: ./shop.json', ' workload_api'), /jwt_bundles.*no `identity\.workload_api`/],
  [instead('\n    shop.test: ./shop.json', ' agent'), /jwt_bundles.*expected a map, got `agent`/],
  [instead('shop.test:', 'Shop.Test:'), /jwt_bundles\."Shop\.Test": trust domain/],
  [instead('./shop.json', 'federation'), /jwt_bundles\."shop\.test": `shop\.test` is in none of `federation`/],
  [instead('shop.json', 'none.json'), /jwt_bundles\."shop\.test".*no such file/],
  [instead('shop.json', 'x509.json'), /x509\.json:1:\d+.*no key of use `jwt-svid`/],
  [instead('shop.json', 'weak.json'), /weak\.json:3:\d+.*RSA key of 1024 bits/],
  [instead('shop.json', 'data.json'), /data\.json:1:1.*no JWK set/],
  [having('  header: authorization\n'), /header.*`authorization` has another meaning/],
  [having('  header: x-spiffe-id\n'), /header.*`x-spiffe-id` is `workload\.spiffe_id_header` already/],
  [having('  header: X_Jwt_Svid\n'), /header.*is no header name.*X-Jwt-Svid/],
  [having('  token: maybe\n'), /token.*`maybe` is none of these/],
  [having('  audience: []\n'), /audience.*is empty/],
  [having('  max_lifetime: 25h\n'), /max_lifetime.*out of range/],
];

void test('each mistake is named', async (t) => {
  const folder = t.testdir();
  for (const [text, problem] of wrong) {
    const problems = await problemsOf(writeFolder(folder, text, files));
    t.match(problems, [problem]);
    t.equal(problems.length, 1, problems.join('\n'));
  }
});

void test('the example of docs/callers.md is sound', async (t) => {
  const page = readFileSync(new URL('../../../docs/callers.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  t.match(example, /^load_balancers:/);
  const agent = 'workload_api: { socket: "tcp://127.0.0.1:8081" }';
  const text = `${good.replace('passphrase_file: ./pass', agent)}${example}`;
  t.same(await problemsOf(writeFolder(t.testdir(), text)), []);
});
