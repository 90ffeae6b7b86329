import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import { refuseCryptography } from '../../../policy/builtins/refused.ts';
import { openEngine } from '../../../policy/engines/select.ts';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { restartOnlyChanges } from '../../../proxy/config/restart-only.ts';
import type { CryptographicModule } from '../../../proxy/fips/module.ts';
import { loadPolicy } from '../../../proxy/load-policy.ts';
import { jwks, tokenKey } from '../../harness/user-tokens.ts';
import { authorityPem, type KeyKind, makeAuthority, makeKey } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';
import { writeSvidFiles } from '../../pki/svid-files.ts';
import { constant, fakeOpaModule } from '../policy/fake-opa-module.ts';
import { change, check, good, problemsOf, world, writeFolder } from './folder.ts';

const nowMs = Date.now();
const authority = async (kind: KeyKind) =>
  authorityPem(await makeAuthority({ name: `CA with ${kind}`, nowMs, key: await makeKey(kind) }));
const files = {
  'ed25519.pem': await authority('Ed25519'),
  'p521.pem': await authority('P-521'),
  'rsa.pem': await authority('RSA-2048'),
  'staff.json': jwks(tokenKey('one'), tokenKey('two', 'rsa')),
};
const fips = `${good}profile: fips\n`;
const issuers = (algorithms: string) => `issuers:
  - name: staff
    issuer: https://login.shop.test
    realm: internal
    jwks: ./staff.json
    algorithms: ${algorithms}
    audience: orders
`;
const crls = (issuer: string) => `crls:\n  - { issuer: ${issuer}, url: "http://pki.shop.test/ca.crl" }\n`;

const wrong: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  [
    'an issuer with EdDSA',
    issuers('[ES256, EdDSA]'),
    /^portcullis\.yaml:39:25: issuers\[0\]\.algorithms\[1\]: `EdDSA` is not approved \(`profile: fips`\); allowed: ES256, ES384, PS256, .*RS512$/,
  ],
  [
    'an issuer with proofs by Ed25519',
    `${issuers('[ES256]')}    dpop: { proof: required, algorithms: [Ed25519, ES256] }\n`,
    /issuers\[0\]\.dpop\.algorithms\[0\]: `Ed25519` is not approved/,
  ],
  ['an issuer with Ed25519', issuers('[Ed25519, RS256]'), /algorithms\[0\]: `Ed25519` is not approved/],
  ['an issuer with P-521', issuers('[ES512, PS256]'), /algorithms\[0\]: `ES512` is not approved/],
  [
    'revocation lists that are signed with Ed25519',
    crls('ed25519.pem'),
    /^portcullis\.yaml:35:15: crls\[0\]\.issuer: CN=CA with Ed25519: key Ed25519 is not approved .*allowed: RSA from 2048 bits, EC P-256, EC P-384$/,
  ],
  [
    'revocation lists that are signed with P-521',
    crls('p521.pem'),
    /crls\[0\]\.issuer: .*key EC P-521 is not approved/,
  ],
  ['a root for https with Ed25519', 'fetch: { ca: ed25519.pem }\n', /fetch\.ca: .*key Ed25519 is not approved/],
  [
    'audit that may be lost, as with `regulated`',
    'audit: { mode: best-effort }\n',
    /audit\.mode: `profile: fips` does not allow it; allowed: `required`/,
  ],
  [
    'what is unsafe, as with `regulated`',
    'unsafe_remote_admin: true\n',
    /unsafe_remote_admin: `profile: fips` does not/,
  ],
];

for (const [what, lines, says] of wrong) {
  void test(what, async (t) => {
    const base = lines.startsWith('audit') ? change('audit:\n  segment: 64MiB\n', '', fips) : fips;
    const problems = await problemsOf(writeFolder(t.testdir(), base + lines, files));
    t.equal(problems.length, 1, problems.join('\n'));
    t.match(problems[0], says);
    const standard = base.replace('profile: fips', 'profile: standard');
    t.same(await problemsOf(writeFolder(t.testdir(), standard + lines, files)), [], 'allowed without the profile');
  });
}

void test('what is approved is allowed, and all that regulated asks for is on', async (t) => {
  const text = `${fips}${issuers('[ES256, RS256]')}${crls('rsa.pem')}fetch: { ca: rsa.pem }\n`;
  const loaded = await loadConfig(writeFolder(t.testdir(), text, files), world);
  const policy = { strict: true, engine: { cryptography: 'refused', verify: { refuse: true } } };
  t.match(loaded, { ok: true, config: { profile: 'fips', policy } });
});

void test('from and to fips only a restart leads', async (t) => {
  const load = async (profile: string) => {
    const loaded = await loadConfig(writeFolder(t.testdir(), `${good}profile: ${profile}\n`), world);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  };
  const [standard, regulated, strict] = [await load('standard'), await load('regulated'), await load('fips')];
  t.same(restartOnlyChanges(standard, strict), ['profile']);
  t.same(restartOnlyChanges(strict, regulated), ['profile']);
  t.same(restartOnlyChanges(standard, regulated), []);
});

const own = '  files: { certificate: ./svid.pem, key: ./svid.key, bundle: ./bundle.pem }';
const fromFiles = change('  passphrase_file: ./pass', own, fips);
const pki = await makePki({ trustDomain: 'shop.test', nowMs });

void test('check says whether the module is validated', async (t) => {
  const file = writeFolder(t.testdir(), fromFiles);
  writeSvidFiles(dirname(file), await pki.issue({ path: '/orders', key: 'RSA-2048' }), pki.caPem);
  const { code, out } = await check(file, '--json');
  t.equal(code, 0, out);
  const { fips: module } = JSON.parse(out) as { fips: CryptographicModule };
  t.match(module, { validated: 'no', statement: /crypto\.getFips\(\) is 0/ });
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const text = configSummary(loaded.config, { color: false }, module);
  t.match(text, /^ {2}profile +fips: the cryptographic module is NOT validated: OpenSSL /m);
});

void test('an own SVID, and a policy that computes digests itself, are refused with file and line', async (t) => {
  const rego = 'package portcullis.authz\n\ndecision := {"allow": crypto.md5(input.a) == "b"}\n';
  const file = writeFolder(t.testdir(), fromFiles, { 'policy/authz.rego': rego });
  writeSvidFiles(dirname(file), await pki.issue({ path: '/orders', key: 'Ed25519' }), pki.caPem);
  const { code, out } = await check(file);
  t.equal(code, 1);
  t.match(out, /^svid\.pem:1:1: key Ed25519 is not approved \(`profile: fips`\)/m);
  t.match(out, /authz\.rego:3.*the built-in crypto\.md5 is refused: `profile: fips` does not allow it/);
});

void test('what else computes cryptography in a policy is refused, and what does not is not', (t) => {
  const required = (...names: readonly string[]) => names.map((name) => ({ name, where: 'a.rego:1' }));
  for (const name of [
    'crypto.x509.parse_certificates',
    'io.jwt.verify_es256',
    'io.jwt.decode',
    'providers.aws.sign_req',
  ])
    t.throws(() => refuseCryptography(required('count', name)), { code: 'builtin-refused', message: `a.rego:1: the` });
  t.doesNotThrow(() => refuseCryptography(required('count', 'base64.encode', 'json.patch')));
  t.end();
});

void test('what a module calls is refused by its own list, whatever plan lies beside it', async (t) => {
  const rego = '  rego: [./policy]\n  data: ./data.json\n';
  const policy = '  bundle: ./bundle\n  entrypoint: test/decision\n  engine: wasm\n';
  const open = async (profile: string, wasm: Uint8Array, plan: Readonly<Record<string, string>>) => {
    const config = `${change(rego, policy)}profile: ${profile}\n`;
    const file = writeFolder(t.testdir(), config, { 'bundle/.manifest': '{}', ...plan });
    writeFileSync(join(dirname(file), 'bundle/policy.wasm'), wasm);
    const loaded = await loadConfig(file, world);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return openEngine(await loadPolicy(loaded.config.policy), loaded.config.policy.engine);
  };
  const calling = (name: string) => fakeOpaModule({ evaluate: constant(128), texts: { 64: `{"${name}":0}` } });
  for (const plan of [{}, { 'bundle/plan.json': '{"static":{"builtin_funcs":[{"name":"count"}]}}' }]) {
    for (const name of ['crypto.md5', 'io.jwt.decode_verify']) {
      await t.rejects(open('fips', calling(name), plan), {
        code: 'builtin-refused',
        message: `the built-in ${name} is`,
      });
      await t.resolves(open('standard', calling(name), plan));
    }
    await t.resolves(open('fips', calling('base64url.encode_no_pad'), plan));
  }
});
