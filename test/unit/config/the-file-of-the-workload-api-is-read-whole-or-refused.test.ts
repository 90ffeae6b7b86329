import { Ajv2020 } from 'ajv/dist/2020.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parse } from 'yaml';
import { loadWorkloadApi } from '../../../proxy/config/load-workload-api.ts';
import { formatProblem } from '../../../proxy/config/problem.ts';
import { workloadApiJsonSchema } from '../../../proxy/config/reference.ts';
import { workloadApiOptions } from '../../../proxy/config/workload-api-options.ts';
import { newFolder } from '../../harness/proxy.ts';
import { change, world } from './folder.ts';

const good = `trust_domain: shop.test
state: ./state
svid_lifetime: 30m
sockets:
  - path: ./run/web/api.sock
    svids:
      - spiffe_id: spiffe://shop.test/web
        hint: internal
        dns_names: [localhost, web.shop.test]
      - spiffe_id: spiffe://shop.test/web-admin
  - path: ./run/edge/api.sock
    svids: []
audit:
  folder: ./audit
`;

type Test = Parameters<typeof newFolder>[0];

function load(t: Test, text: string) {
  const folder = newFolder(t);
  const file = join(folder, 'workload-api.yaml');
  writeFileSync(file, text);
  for (const name of ['a.pem', 'a.key']) writeFileSync(join(folder, name), 'PEM', { mode: 0o600 });
  writeFileSync(join(folder, 'open.key'), 'PEM', { mode: 0o644 });
  return { folder, file, loaded: loadWorkloadApi(file, world) };
}

test('what is not said has its default, and nothing can be changed', async (t) => {
  const { folder, loaded } = load(t, good);
  const found = await loaded;
  t.match(found, {
    ok: true,
    config: {
      trustDomain: 'shop.test',
      stateFolder: join(folder, 'state'),
      ca: { keyAlgorithm: 'P-256', svidLifetimeMs: 1_800_000, passphraseFile: undefined },
      jwtSvidLifetimeMs: 300_000,
      sockets: [
        {
          path: join(folder, 'run/web/api.sock'),
          svids: [
            { spiffeId: 'spiffe://shop.test/web', hint: 'internal', dnsNames: ['localhost', 'web.shop.test'] },
            { spiffeId: 'spiffe://shop.test/web-admin', hint: undefined, dnsNames: [] },
          ],
        },
        { path: join(folder, 'run/edge/api.sock'), svids: [] },
      ],
      audit: { folder: join(folder, 'audit'), mode: 'required' },
    },
  });
  t.ok('config' in found && Object.isFrozen(found.config.sockets[0]?.svids));
});

const bad: readonly (readonly [string, string, string])[] = [
  [
    'spiffe://shop.test/web\n',
    'spiffe://other.test/web\n',
    '7:20: sockets[0].svids[0].spiffe_id: `spiffe://other.test/web` is not in',
  ],
  [
    'spiffe://shop.test/web-admin',
    'spiffe://shop.test/web',
    '10:20: sockets[0].svids[1].spiffe_id: `spiffe://shop.test/web` is that of svids[0]',
  ],
  [
    'spiffe://shop.test/web-admin',
    'spiffe://shop.test',
    '10:20: sockets[0].svids[1].spiffe_id: `spiffe://shop.test` has no path',
  ],
  [
    'web-admin\n',
    'web-admin\n        hint: internal\n',
    '11:15: sockets[0].svids[1].hint: `internal` is that of svids[0] already',
  ],
  ['internal', '"in ternal"', '8:15: sockets[0].svids[0].hint: `in ternal` is not valid'],
  ['web.shop.test', '"*.shop.test"', '9:32: sockets[0].svids[0].dns_names[1]: `*.shop.test` is not valid'],
  ['./run/edge/', './run/web/', 'sockets[1].path: shares its folder with sockets[0]'],
  ['./run/edge/', './run/web/edge/', 'sockets[1].path: shares its folder with sockets[0]'],
  ['./run/edge/', './run/', 'sockets[1].path: shares its folder with sockets[0]'],
  ['./run/edge/', './state/', 'sockets[1].path: shares its folder with `state`'],
  ['./run/edge/', './audit/x/', 'sockets[1].path: shares its folder with `audit.folder`'],
  ['./run/edge/', `./${'x'.repeat(100)}/`, 'sockets[1].path: the path of the socket is longer than 103 bytes'],
  ['./run/edge/', 'unix:./run/edge/', 'sockets[1].path: is a path here'],
  ['svid_lifetime: 30m', 'svid_lifetime: 25h', '3:16: svid_lifetime: 25h is out of range'],
  ['svid_lifetime: 30m', 'jwt_svid_lifetime: 2h', '3:20: jwt_svid_lifetime: 2h is out of range'],
  ['trust_domain: shop.test', 'trust_domain: Shop.test', '1:15: trust_domain: trust domain "Shop.test"'],
  ['svid_lifetime', 'svid_livetime', '3:1: svid_livetime: unknown key'],
  ['    svids: []\n', '', 'sockets[1].svids: is required'],
  [
    '    svids: []\n',
    '    svids: []\n    federates_with: [b.test]\n',
    'federates_with[0]: `b.test` is in none of `federation`',
  ],
  [
    'audit:\n',
    'federation: [{ trust_domain: shop.test, url: "https://a.test/", profile: https_web }]\naudit:\n',
    'federation[0].trust_domain: `shop.test` is our own trust domain',
  ],
  [
    'audit:\n',
    'federation: [{ trust_domain: b.test, url: "https://b.test/", profile: https_spiffe, endpoint_spiffe_id: spiffe://b.test/e, bootstrap: a.pem }]\naudit:\n',
    'federation[0].bootstrap: the document is not acceptable JSON',
  ],
  ['audit:\n', 'fetch: { ca: a.pem }\naudit:\n', 'fetch.ca: there is no certificate'],
  ...(
    [
      [
        'listen: 8444, profile: https_spiffe, spiffe_id: spiffe://shop.test/b',
        'listen: expected text, got the number 8444',
      ],
      ['profile: https_spiffe, spiffe_id: spiffe://shop.test/b', 'listen: is required'],
      ['listen: "0.0.0.0:8444", spiffe_id: spiffe://shop.test/b', 'profile: is required'],
      ['listen: "0.0.0.0:8444", profile: https_spiffe', 'spiffe_id: is required by `profile: https_spiffe`'],
      [
        'listen: "[::]:1", profile: https_spiffe, spiffe_id: spiffe://b.test/b',
        'spiffe_id: `spiffe://b.test/b` is not in',
      ],
      ['listen: "[::]:1", profile: https_web, key: a.key', 'certificate: is required by `profile: https_web`'],
      ['listen: "[::]:1", profile: https_web, certificate: a.pem', 'key: is required by `profile: https_web`'],
      ['listen: "[::]:1", profile: https_web, certificate: none.pem, key: a.key', 'certificate: cannot read'],
      ['listen: "[::]:1", profile: https_web, certificate: a.pem, key: open.key', 'key: others can reach'],
      [
        'listen: "[::]:1", profile: https_web, certificate: a.pem, key: a.key, spiffe_id: spiffe://shop.test/b',
        'spiffe_id: is of `profile: https_spiffe`',
      ],
      [
        'listen: "[::]:1", profile: https_spiffe, spiffe_id: spiffe://shop.test/b, key: a.key',
        'key: is of `profile: https_web`',
      ],
      ['listen: "[::]:1", profile: https_spiffe, spiffe_id: spiffe://shop.test/b, refresh_hint: 2d', 'refresh_hint: '],
    ] as const
  ).map(
    ([endpoint, message]) =>
      ['audit:\n', `bundle_endpoint: { ${endpoint} }\naudit:\n`, `bundle_endpoint.${message}`] as const,
  ),
];

for (const [from, to, message] of bad) {
  test(`${JSON.stringify(to)}: ${message}`, async (t) => {
    const { folder, loaded } = load(t, change(from, to, good));
    const found = await loaded;
    const problems = 'problems' in found ? found.problems.map((problem) => formatProblem(problem, folder)) : [];
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], `workload-api.yaml:${/^[a-z]/.test(message) ? '' : message}`);
    t.match(problems[0], message);
  });
}

test('a file that is none, and one that is no YAML', async (t) => {
  t.match(await loadWorkloadApi(join(newFolder(t), 'none.yaml'), world), {
    ok: false,
    problems: [{ message: /no such file/ }],
  });
  t.match(await load(t, 'sockets: [').loaded, { ok: false });
  t.match(await load(t, '- a list').loaded, { ok: false, problems: [{ message: /expected a map/ }] });
});

test('the schema for editors agrees on what it can say, and every key has its sentence', (t) => {
  const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(workloadApiJsonSchema());
  t.ok(validate(parse(good)), JSON.stringify(validate.errors));
  for (const [from, to] of [
    ['30m', '30'],
    ['shop.test\n', 'Shop\n'],
    ['svids: []', 'svid: []'],
  ] as const) {
    t.notOk(validate(parse(good.replace(from, to))), to);
  }
  for (const { fields } of workloadApiOptions.sections ?? []) {
    for (const [key, { doc }] of Object.entries(fields)) t.match(doc, /^[A-Z`].*\.$/s, key);
  }
  t.end();
});
