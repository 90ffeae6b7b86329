import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { loadWorkloadApi } from '../../../proxy/config/load-workload-api.ts';
import { thisMachine } from '../../../proxy/config/world.ts';

const at = (name: string) => fileURLToPath(new URL(`../../../deploy/${name}`, import.meta.url));
const nowhere = fileURLToPath(new URL('.', import.meta.url));

const demos: readonly (readonly [demo: string, env: Readonly<Record<string, string>>, says: RegExp])[] = [
  [
    'spire',
    {},
    /^There is no SPIRE: spire-server and spire-agent not found \(no folder: SPIRE_BIN is not set\)\.\nGet /,
  ],
  ['spire', { SPIRE_BIN: nowhere }, /^There is no SPIRE: spire-server and spire-agent not found \(\/.*\)\.\nGet /],
  [
    'envoy-sds',
    { ENVOY: `${nowhere}envoy` },
    /^There is no envoy at \/.*envoy: name one with ENVOY=.*npm run bench -- --install/,
  ],
];

for (const [demo, env, says] of demos) {
  test(`${demo} with ${JSON.stringify(Object.keys(env))}`, async (t) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [at(`${demo}/demo.mjs`)], { env, encoding: 'utf8' });
    t.equal(status, 2);
    t.equal(stdout, '');
    t.match(stderr, says);
  });
}

test('their configurations are good ones', async (t) => {
  const world = thisMachine({ SPIFFE_ENDPOINT_SOCKET: 'unix:///run/agent.sock' });
  const loaded = [
    await loadConfig(at('spire/portcullis.yaml'), world),
    await loadConfig(at('envoy-sds/portcullis.yaml'), world),
    await loadWorkloadApi(at('envoy-sds/workload-api.yaml'), world),
  ];
  t.same(
    loaded.map((each) => (each.ok ? [] : each.problems)),
    [[], [], []],
  );
});
