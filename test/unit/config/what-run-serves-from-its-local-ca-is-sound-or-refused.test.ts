import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { newFolder } from '../../harness/proxy.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

const socket = '{ path: ./run/web/api.sock, svids: [{ spiffe_id: "spiffe://shop.test/web" }] }';
const endpoint = 'listen: "127.0.0.1:8444", profile: https_spiffe, spiffe_id: "spiffe://shop.test/bundles"';

void test('the CA and the audit are those of the proxy', async (t) => {
  const text = `${good}workload_api: { sockets: [${socket}], bundle_endpoint: { ${endpoint} } }\n`;
  const loaded = await loadConfig(writeFolder(newFolder(t), text), world);
  t.match(loaded, {
    ok: true,
    config: {
      workloadApi: {
        trustDomain: 'shop.test',
        stateFolder: /state$/,
        ca: { svidLifetimeMs: 3_600_000, keyAlgorithm: 'P-256', passphraseFile: /pass$/ },
        jwtSvidLifetimeMs: 300_000,
        sockets: [{ path: /run\/web\/api\.sock$/, svids: [{ spiffeId: 'spiffe://shop.test/web' }] }],
        bundleEndpoint: {
          listen: { host: '127.0.0.1', port: 8444 },
          refreshHintMs: 300_000,
          server: { kind: 'spiffe', spiffeId: 'spiffe://shop.test/bundles' },
        },
        audit: { mode: 'required' },
      },
    },
  });
  const said = loaded.ok ? configSummary(loaded.config, { color: false }) : '';
  t.match(said, /serves +the Workload API, on \S+run\/web\/api\.sock/);
});

const wrong: readonly (readonly [section: string, problem: RegExp, more?: string])[] = [
  ['{}', /workload_api\.sockets: is required/],
  ['{ sockets: [] }', /workload_api\.sockets: is empty/],
  [
    `{ sockets: [${socket.replace('shop.test', 'b.test')}] }`,
    /sockets\[0\]\.svids\[0\]\.spiffe_id: .* is not in the trust domain `shop\.test`/,
  ],
  [`{ sockets: [${socket}, ${socket}] }`, /workload_api\.sockets\[1\]\.path: shares its folder with sockets\[0\]/],
  [
    `{ sockets: [${socket.replace('run/web', 'state')}] }`,
    /sockets\[0\]\.path: shares its folder with `identity\.state`/,
  ],
  [
    `{ sockets: [${socket.replace('run/web', 'audit')}] }`,
    /sockets\[0\]\.path: shares its folder with `audit\.folder`/,
  ],
  [
    `{ sockets: [${socket}], bundle_endpoint: { ${endpoint.replace('8444', '8443')} } }`,
    /workload_api\.bundle_endpoint\.listen: 127\.0\.0\.1:8443 is the address of `listen` too/,
  ],
  [
    `{ sockets: [${socket}], bundle_endpoint: { ${endpoint.replace('shop.test', 'b.test')} } }`,
    /bundle_endpoint\.spiffe_id: .* is not in the trust domain/,
  ],
  [
    `{ sockets: [${socket.replace('svids', 'federates_with: [b.test], svids')}] }`,
    /sockets\[0\]\.federates_with\[0\]: `b\.test` is in none of `federation`; allowed: none is configured/,
  ],
  [`{ sockets: [${socket}], trust_domain: shop.test }`, /workload_api\.trust_domain: unknown key/],
  [
    `{ sockets: [${socket}] }`,
    /workload_api: `profile: regulated` does not allow it: the process that clients reach.*`portcullis workload-api`/,
    'profile: regulated\n',
  ],
];

for (const [section, problem, more = ''] of wrong) {
  void test(`${section} ${more}`, async (t) => {
    const problems = await problemsOf(writeFolder(newFolder(t), `${good}${more}workload_api: ${section}\n`));
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], problem);
  });
}

void test('without a local CA there is nothing to hand out', async (t) => {
  const agent = 'workload_api: { socket: "tcp://127.0.0.1:8081" }';
  const text = `${change('passphrase_file: ./pass', agent, good)}workload_api: { sockets: [${socket}] }\n`;
  t.match(await problemsOf(writeFolder(newFolder(t), text)), [
    /workload_api: hands out SVIDs of the local CA, and `identity\.workload_api` stands/,
  ]);
});
