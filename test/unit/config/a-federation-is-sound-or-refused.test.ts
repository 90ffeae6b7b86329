import { test } from 'tap';
import { writeSpiffeBundle } from '../../../certs/spiffe-bundle.ts';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { authorityPem } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';
import { good, problemsOf, world, writeFolder } from './folder.ts';

const pki = await makePki({ trustDomain: 'b.example', nowMs: Date.now() });
const bundle = writeSpiffeBundle({ rootsPem: [pki.caPem], jwtKeys: [], sequence: 1, refreshHintMs: 0 });
const leaf = await pki.issue();
const files = {
  'ca.pem': authorityPem(pki.root),
  'b.json': bundle,
  'b.pem': `# of b.example\n${pki.caPem}`,
  'many.pem': pki.caPem.repeat(101),
  'leaf.pem': leaf.certPem,
  'cut.pem': pki.caPem.slice(0, -40),
  'private.pem': `${pki.caPem}${leaf.keyPem}`,
  'empty.json': '{"keys":[]}',
  'empty.pem': '',
  'large.json': bundle + ' '.repeat(1024 * 1024),
};
const web = 'trust_domain: a.example, url: "https://a.example/bundle", profile: https_web';
const inFile = (name: string) => `trust_domain: b.example, bundle: ${name}`;
const byName = 'trust_domain: b.example, url: "https://b.example/bundle", profile: https_spiffe';
const spiffe = `${byName}, endpoint_spiffe_id: "spiffe://b.example/endpoint", bootstrap: b.json`;

void test('good ones, with their defaults', async (t) => {
  const text = `${good}federation:\n  - { ${web} }\n  - { ${spiffe}, refresh: 1m, max_age: 1h }\n`;
  const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
  t.match(loaded, {
    ok: true,
    config: {
      federation: [
        {
          trustDomain: 'a.example',
          url: 'https://a.example/bundle',
          server: { kind: 'web', caFile: undefined },
          refreshMs: undefined,
          maxAgeMs: 86_400_000,
        },
        {
          trustDomain: 'b.example',
          server: { kind: 'spiffe', spiffeId: 'spiffe://b.example/endpoint', bootstrapFile: /b\.json$/ },
          refreshMs: 60_000,
          maxAgeMs: 3_600_000,
        },
      ],
    },
  });
  t.ok(loaded.watched.some((one) => one.endsWith('b.json')));
  const said = loaded.ok ? configSummary(loaded.config, { color: false }) : '';
  t.match(said, /federated +a\.example, from https:\/\/a\.example\/bundle, believed for 24h/);
  t.match(
    said,
    /federated +b\.example, from https:\/\/b\.example\/bundle as spiffe:\/\/b\.example\/endpoint, believed for 1h/,
  );
});

void test('bundles in files, which are watched', async (t) => {
  for (const name of ['b.json', 'b.pem']) {
    const loaded = await loadConfig(
      writeFolder(t.testdir(), `${good}federation: [{ ${inFile(name)} }]\n`, files),
      world,
    );
    t.match(loaded, { ok: true, config: { federation: [{ kind: 'file', trustDomain: 'b.example' }] } });
    t.ok(loaded.watched.some((one) => one.endsWith(name)));
    const said = loaded.ok ? configSummary(loaded.config, { color: false }) : '';
    t.match(said, new RegExp(`federated +b\\.example, from /.*/${name}\n`));
  }
});

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  ['{ url: "https://a.example/", profile: https_web }', /federation\[0\]\.trust_domain.*is required/],
  ['{ trust_domain: A.example, url: "https://a.example/", profile: https_web }', /federation\[0\]\.trust_domain/],
  [`{ ${web.replace('https://', 'http://')} }`, /federation\[0\]\.url.*is not https/],
  [`{ ${web.replace('https://a.example', 'https://10.0.0.1')} }`, /federation\[0\]\.url.*https needs a name/],
  [`{ ${web.replace('https://', 'https://a:b@')} }`, /federation\[0\]\.url.*user or password/],
  [`{ ${web.replace('https_web', 'web')} }`, /federation\[0\]\.profile/],
  [`{ ${web.replace('a.example,', 'shop.test,')} }`, /federation\[0\]\.trust_domain.*is our own trust domain/],
  [`{ ${web} }, { ${web} }`, /federation\[1\]\.trust_domain.*that of federation\[0\] already/],
  [`{ ${web}, endpoint_spiffe_id: "spiffe://a.example/e" }`, /endpoint_spiffe_id.*is of `profile: https_spiffe`/],
  [`{ ${web}, bootstrap: b.json }`, /bootstrap.*is of `profile: https_spiffe`/],
  [`{ ${web}, ca: empty.pem }`, /federation\[0\]\.ca.*no certificate/],
  [`{ ${web}, ca: none.pem }`, /federation\[0\]\.ca.*no such file/],
  [`{ ${web}, refresh: 2h, max_age: 1h }`, /federation\[0\]\.max_age.*not longer than `refresh`/],
  [`{ ${web}, max_age: 1s }`, /federation\[0\]\.max_age/],
  [`{ ${spiffe}, ca: ca.pem }`, /ca.*is of `profile: https_web`/],
  [`{ ${byName}, bootstrap: b.json }`, /endpoint_spiffe_id.*is required by `profile: https_spiffe`/],
  [`{ ${byName}, endpoint_spiffe_id: "spiffe://b.example/e" }`, /bootstrap.*is required by `profile: https_spiffe`/],
  [`{ ${spiffe.replace('spiffe://b', 'spiffe://c')} }`, /endpoint_spiffe_id.*is not in the trust domain `b\.example`/],
  [`{ ${spiffe.replace('b.json', 'empty.json')} }`, /bootstrap.*no key of use x509-svid/],
  [`{ ${spiffe.replace('b.json', 'ca.pem')} }`, /bootstrap.*not acceptable JSON/],
  [`{ ${spiffe.replace('b.json', 'none.json')} }`, /bootstrap.*no such file/],
  [`{ ${spiffe.replace('b.json', 'large.json')} }`, /bootstrap.*more than 1048576/],
  ['{ trust_domain: a.example }', /federation\[0\]: needs one of `url` and `bundle`/],
  ['{ trust_domain: a.example, url: "https://a.example/" }', /federation\[0\]\.profile: is required beside `url`/],
  [`{ ${inFile('b.json')}, profile: https_web }`, /federation\[0\]\.profile: is of an endpoint/],
  [`{ ${inFile('b.json')}, max_age: 1h }`, /federation\[0\]\.max_age: is of an endpoint/],
  [`{ ${inFile('none.json')} }`, /bundle.*no such file/],
  [`{ ${inFile('large.json')} }`, /bundle.*more than 1048576/],
  [`{ ${inFile('empty.json')} }`, /bundle: .*empty\.json: there is no key of use x509-svid/],
  [`{ ${inFile('empty.pem')} }`, /bundle: .*empty\.pem: it is neither a JSON object nor is there a certificate/],
  [`{ ${inFile('leaf.pem')} }`, /bundle: .*leaf\.pem: certificate 1: /],
  [`{ ${inFile('cut.pem')} }`, /bundle: .*cut\.pem: PEM: .*damaged/],
  [`{ ${inFile('many.pem')} }`, /bundle: .*many\.pem: 101 certificates are more than 100/],
  [`{ ${inFile('private.pem')} }`, /bundle: .*private\.pem: there is a private key in it/],
];

for (const [text, problem] of wrong) {
  void test(text, async (t) => {
    const problems = await problemsOf(writeFolder(t.testdir(), `${good}federation: [${text}]\n`, files));
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], problem);
  });
}

void test('an endpoint and a file are one too many', async (t) => {
  const text = `${good}federation: [{ ${web.replace('a.example,', 'b.example,')}, bundle: b.json }]\n`;
  const [ofEndpoint, both] = await problemsOf(writeFolder(t.testdir(), text, files));
  t.match(ofEndpoint, /federation\[0\]\.profile: is of an endpoint/);
  t.match(both, /federation\[0\]\.bundle: only one of `url` and `bundle` can stand here/);
});

void test('what the agent brings is not fetched as well', async (t) => {
  const agent = 'workload_api: { socket: "tcp://127.0.0.1:8081", federation: [a.example] }';
  const text = `${good.replace('passphrase_file: ./pass', agent)}federation: [{ ${web} }]\n`;
  const problems = await problemsOf(writeFolder(t.testdir(), text, files));
  t.match(problems, [/federation\[0\]\.trust_domain.*in `identity\.workload_api\.federation` already/]);
});

const routesOf = (named: string, more = `federation: [{ ${web} }]\n`) => `${good}${more}federated_routes: ${named}\n`;

void test('the routes of foreign trust domains', async (t) => {
  const said = async (text: string) => {
    const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
    return loaded.ok ? configSummary(loaded.config, { color: false }) : JSON.stringify(loaded.problems);
  };
  t.match(
    await said(routesOf('{ a.example: [orders.list] }')),
    /foreign +a\.example on orders\.list; any other trust domain on no/,
  );
  t.match(await said(routesOf('{ a.example: [] }')), /foreign +a\.example on no route; any other/);
  t.notMatch(await said(`${good}federation: [{ ${web} }]\n`), /^ +foreign /m);
});

const wrongRoutes: readonly (readonly [text: string, problem: RegExp])[] = [
  [routesOf('{}'), /federated_routes: is empty/],
  [routesOf('[orders.list]'), /federated_routes: expected a map/],
  [routesOf('{ a.example: orders.list }'), /federated_routes\."a\.example": expected a list/],
  [
    routesOf('{ a.example: [orders.lst] }'),
    /yaml:\d+:\d+: federated_routes\."a\.example"\[0\]: `orders\.lst` is the name of no route.*allowed: .*`orders\.list`.*did you mean/,
  ],
  [routesOf('{ a.example: [orders.list, orders.list] }'), /stands twice/],
  [routesOf('{ A.example: [] }'), /federated_routes\."A\.example": trust domain/],
  [routesOf('{ shop.test: [] }'), /federated_routes\."shop\.test": `shop\.test` is our own trust domain/],
  [routesOf('{ b.example: [] }'), /"b\.example": `b\.example` has its bundle from nowhere.*allowed: `a\.example`/],
  [routesOf('{ b.example: [] }', ''), /"b\.example": `b\.example` has its bundle from nowhere.*allowed: none/],
];

for (const [text, problem] of wrongRoutes) {
  void test(text.slice(good.length), async (t) => {
    const problems = await problemsOf(writeFolder(t.testdir(), text, files));
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], problem);
  });
}

void test('domains of the agent and those that a load balancer presents have routes too', async (t) => {
  const agent = 'workload_api: { socket: "tcp://127.0.0.1:8081", federation: [c.example] }';
  const edge =
    'load_balancers: { peers: ["spiffe://shop.test/edge"], jwt_bundles: { a.example: federation, shop.test: b.json } }\n';
  const text = routesOf('{ c.example: [], a.example: [] }', `federation: [{ ${web} }]\n${edge}`);
  t.strictSame(
    (await problemsOf(writeFolder(t.testdir(), text.replace('passphrase_file: ./pass', agent), files))).filter((one) =>
      one.includes('federated_routes'),
    ),
    [],
  );
});
