import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { jwks, tokenKey } from '../../harness/user-tokens.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

const key = tokenKey('one');
const weak = tokenKey('weak', 'rsa', { bits: 1024, exponent: 65_537 });
const files = { 'staff.json': jwks(key), 'weak.json': `{\n  "keys": [\n    ${JSON.stringify(weak.jwk)}\n  ]\n}` };

const staff = `  - name: staff
    issuer: https://login.shop.test
    realm: internal
    jwks: ./staff.json
    algorithms: [ES256]
    audience: orders
`;
const remote = (place: string) => staff.replace('jwks: ./staff.json', `jwks_uri: ${place}`);
const withIssuers = (issuers: string, user = '{ issuers: [staff] }') =>
  change(
    '    path: /orders\n    query_schema',
    `    path: /orders\n    user: ${user}\n    query_schema`,
    `${good}issuers:\n${issuers}`,
  );

void test('a good one, with its defaults', async (t) => {
  const loaded = await loadConfig(writeFolder(t.testdir(), withIssuers(staff), files), world);
  t.match(loaded, {
    ok: true,
    config: {
      issuers: [
        {
          name: 'staff',
          tokenTypes: ['at+jwt'],
          maxTokenAgeMs: 3_600_000,
          clockToleranceMs: 10_000,
          dpop: undefined,
          introspection: undefined,
        },
      ],
      routes: [
        { user: { issuers: ['staff'], optional: false, singleUse: false, forwardToken: false } },
        { user: undefined },
      ],
      limits: { maxSingleUseTokens: 262_144 },
    },
  });
  t.match(loaded.watched, [/portcullis\.yaml$/, /./, /./], 'and its keys are watched');
  t.ok(loaded.watched.some((file) => file.endsWith('staff.json')));
});

void test('one whose keys are fetched, with its defaults', async (t) => {
  for (const [place, jwksUri] of [
    ['discovery', undefined],
    ['https://login.shop.test/keys?v=1', 'https://login.shop.test/keys?v=1'],
  ]) {
    const loaded = await loadConfig(writeFolder(t.testdir(), withIssuers(remote(place ?? '')), files), world);
    const keys = { kind: 'url', jwksUri, refreshMs: 300_000, maxAgeMs: 3_600_000 };
    t.match(loaded, { ok: true, config: { issuers: [{ keys }] } });
  }
});

void test('proof of possession, short and in full', async (t) => {
  for (const [text, dpop] of [
    ['required', { required: true, algorithms: ['ES256'], maxAgeMs: 60_000 }],
    [
      '{ proof: optional, algorithms: [PS256], max_age: 5m }',
      { required: false, algorithms: ['PS256'], maxAgeMs: 300_000 },
    ],
  ] as const) {
    const loaded = await loadConfig(writeFolder(t.testdir(), withIssuers(`${staff}    dpop: ${text}\n`), files), world);
    t.match(loaded, { ok: true, config: { issuers: [{ dpop }] } });
  }
});

const endpoint = 'endpoint: https://login.shop.test/introspect';
const whole = `${endpoint}, client_id: orders, client_secret_file: ./pass`;
const asked = (more = whole) => withIssuers(`${staff}    introspection: { ${more} }\n`);

void test('introspection, with its defaults and in full', async (t) => {
  const defaults = { clientId: 'orders', caFile: undefined, timeoutMs: 2000, maxAgeMs: 10_000, maxEntries: 1000 };
  const loaded = await loadConfig(writeFolder(t.testdir(), asked(), files), world);
  t.match(loaded, { ok: true, config: { issuers: [{ introspection: { ...defaults, clientSecretFile: /pass$/ } }] } });
  t.ok(
    loaded.watched.some((file) => file.endsWith('/pass')),
    'the secret is watched',
  );
  const full = `${endpoint}, client_id: a b, client_secret_file: ./pass, timeout: 1s, cache: { max_age: 0s, entries: 5 }`;
  t.match(await loadConfig(writeFolder(t.testdir(), asked(full), files), world), {
    ok: true,
    config: { issuers: [{ introspection: { clientId: 'a b', timeoutMs: 1000, maxAgeMs: 0, maxEntries: 5 } }] },
  });
});

void test('the example of docs/users.md is sound', async (t) => {
  const page = readFileSync(new URL('../../../docs/users.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(page) ?? [];
  const sets = { 'keys/staff.jwks.json': jwks(key), 'keys/customers.jwks.json': jwks(tokenKey('rsa', 'rsa')) };
  const text = good.replace(/routes:\n[^]*?(?=limits:)/, () => example.replace('./secrets/staff', './pass'));
  t.match(text, /refunds\.write/);
  t.same(await problemsOf(writeFolder(t.testdir(), text, sets)), []);
});

const wrong: readonly (readonly [text: string, problem: RegExp])[] = [
  [withIssuers(staff.replace('https:', 'http:')), /issuers\[0\]\.issuer.*does not begin with https/],
  [withIssuers(staff.replace('shop.test', 'shop.test?a=b')), /issuers\[0\]\.issuer.*no query, fragment or user/],
  [withIssuers(staff.replace('internal', 'ours')), /issuers\[0\]\.realm.*`ours` is none of these/],
  [withIssuers(staff.replace('ES256', 'none')), /algorithms.*`none` is none of these/],
  [withIssuers(staff.replace('ES256', 'HS256')), /algorithms.*`HS256` is none of these/],
  [withIssuers(staff.replace('ES256', 'RS256')), /algorithms.*no key of `jwks` is for any of these.*ES256/],
  [withIssuers(staff.replace('[ES256]', '[]')), /algorithms.*is empty/],
  [withIssuers(staff.replace('audience: orders', 'audience: []')), /audience.*is empty/],
  [withIssuers(`${staff}    clock_tolerance: 5m\n`), /clock_tolerance.*out of range/],
  [withIssuers(`${staff}    dpop: on\n`), /dpop.*`on` is none of these/],
  [withIssuers(`${staff}    dpop: { max_age: 1m }\n`), /dpop\.proof.*is required/],
  [withIssuers(`${staff}    dpop: { proof: required, max_age: 6m }\n`), /dpop\.max_age.*out of range/],
  [withIssuers(`${staff}    dpop: { proof: required, algorithms: [HS256] }\n`), /dpop\.algorithms.*`HS256` is none/],
  [withIssuers(`${staff}    dpop: { proof: required, algorithms: [] }\n`), /dpop\.algorithms.*is empty/],
  [asked(`client_id: orders, client_secret_file: ./pass`), /introspection\.endpoint.*is required/],
  [asked(`${endpoint}, client_secret_file: ./pass`), /introspection\.client_id.*is required/],
  [asked(`${endpoint}, client_id: orders`), /introspection\.client_secret_file.*is required/],
  [asked(`${endpoint}, client_id: "", client_secret_file: ./pass`), /introspection\.client_id.*is not valid/],
  [asked(whole.replace('https:', 'http:')), /introspection\.endpoint.*is not https/],
  [asked(whole.replace('login.shop.test', '127.0.0.1')), /introspection\.endpoint.*needs a name here/],
  [asked(whole.replace('login', 'me:secret@login')), /introspection\.endpoint.*user or password/],
  [asked(whole.replace('./pass', './staff.json')), /client_secret_file.*others can reach/],
  [asked(whole.replace('./pass', './absent')), /client_secret_file.*no such file/],
  [asked(whole.replace('./pass', './pass, client_secret: x')), /client_secret: .*client_secret_file/],
  [asked(`${whole}, ca: ./staff.json`), /introspection\.ca.*/],
  [asked(`${whole}, timeout: 11s`), /introspection\.timeout.*out of range/],
  [asked(`${whole}, cache: { max_age: 6m }`), /cache\.max_age.*out of range/],
  [asked(`${whole}, cache: { entries: 0 }`), /cache\.entries.*out of range/],
  [asked(`${whole}, cache: 10s`), /introspection\.cache.*expected a map/],
  [withIssuers(`${staff}    max_token_age: 25h\n`), /max_token_age.*out of range/],
  [withIssuers(`${staff}    jwks_uri: https://a.test\n`), /jwks_uri.*only one of `jwks` and `jwks_uri`/],
  [withIssuers(`${staff}    refresh: 1m\n`), /refresh.*is of `jwks_uri`; a file is watched/],
  [withIssuers(`${staff}    max_key_age: 1h\n`), /max_key_age.*is of `jwks_uri`; a file is watched/],
  [withIssuers(staff.replace('    jwks: ./staff.json\n', '')), /issuers\[0\].*needs one of `jwks` and `jwks_uri`/],
  [withIssuers(remote('http://a.test/keys')), /jwks_uri.*is not https/],
  [withIssuers(remote('https://user:secret@a.test/keys')), /jwks_uri.*user or password/],
  [withIssuers(remote('discover')), /jwks_uri.*`discover` is no URL/],
  [
    withIssuers(`${remote('discovery')}    refresh: 1h\n    max_key_age: 1h\n`),
    /max_key_age.*not longer than `refresh`/,
  ],
  [withIssuers(`${remote('discovery')}    refresh: 2h\n`), /refresh.*not longer than `refresh`/],
  [withIssuers(`${remote('discovery')}    max_key_age: 200h\n`), /max_key_age.*out of range/],
  [withIssuers(staff.replace('staff.json', 'weak.json')), /weak\.json:3:\d+.*RSA key of 1024 bits/],
  [withIssuers(staff.replace('staff.json', 'none.json')), /issuers\[0\]\.jwks.*no such file/],
  [withIssuers(staff.replace('staff.json', 'data.json')), /data\.json:1:1.*no JWK set/],
  [withIssuers(`${staff}${staff.replace('shop.test', 'other.test')}`), /issuers\[1\]\.name.*that of issuers\[0\]/],
  [withIssuers(`${staff}${staff.replace('staff', 'b')}`), /issuers\[1\]\.issuer.*that of issuers\[0\]/],
  [withIssuers(staff, '{ issuers: [guests] }'), /user\.issuers\[0\].*none of `issuers`.*staff/],
  [withIssuers(staff, '{ issuers: [] }'), /user\.issuers.*is empty/],
  [withIssuers(staff, '{ issuers: [staff], token: maybe }'), /user\.token.*`maybe` is none of these/],
];

void test('each mistake is named', async (t) => {
  const folder = t.testdir();
  for (const [text, problem] of wrong) {
    const problems = await problemsOf(writeFolder(folder, text, files));
    t.match(problems, [problem]);
    t.equal(problems.length, 1, problems.join('\n'));
  }
});
