import { dirname, join } from 'node:path';
import { test } from 'tap';
import { configSummary } from '../../../proxy/cli/config-summary.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { thisMachine } from '../../../proxy/config/world.ts';
import { change, good, problemsOf, world, writeFolder } from './folder.ts';

const files = '{ certificate: ./svid.pem, key: ./svid.key, bundle: ./bundle.pem }';
const fromFiles = change('passphrase_file: ./pass', `files: ${files}`);

test('files take the place of the local CA; they are absolute, and not looked at before the start', async (t) => {
  const file = writeFolder(t.testdir(), fromFiles);
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const at = (name: string) => join(dirname(file), name);
  const source = { kind: 'files', certificate: at('svid.pem'), key: at('svid.key'), bundle: at('bundle.pem') };
  t.strictSame(loaded.config.identity.source, { ...source, overdueShare: 0.8 });
  t.notMatch(loaded.watched, [at('svid.pem')], 'a rotation is no reason to load the configuration again');
  t.match(
    configSummary(loaded.config, { color: false }),
    `identity  spiffe://shop.test/orders, from ${at('svid.pem')}`,
  );
});

test('what is of the local CA does not stand beside files, each key said at its place', async (t) => {
  const both = good.replace(
    '  passphrase_file: ./pass',
    `  passphrase_file: ./pass\n  key: P-384\n  svid_lifetime: 2h\n  files: ${files}`,
  );
  t.strictSame(await problemsOf(writeFolder(t.testdir(), both)), [
    'portcullis.yaml:4:3: identity.passphrase_file: is of the local CA, and `files` stands in its place',
    'portcullis.yaml:5:3: identity.key: is of the local CA, and `files` stands in its place',
    'portcullis.yaml:6:3: identity.svid_lifetime: is of the local CA, and `files` stands in its place',
  ]);
});

test('a file that is left out, pasted or misnamed, and a share that is none', async (t) => {
  const wrong = {
    '{ certificate: ./svid.pem, key: ./svid.key }': /identity\.files\.bundle: is required/,
    '{ certificate: "-----BEGIN CERTIFICATE-----", key: k, bundle: b }':
      /certificate: a key or certificate is named by its file, never pasted/,
    '{ cert: a, key: k, bundle: b, certificate: c }':
      /files\.cert: unknown key; allowed: certificate, key, bundle, overdue_at/,
    '{ certificate: c, key: k, bundle: b, overdue_at: 80 }':
      /overdue_at: 80 is out of range; allowed: a number over 0, up to 1/,
    './svid.pem': /identity\.files: expected a map, got `\.\/svid\.pem`/,
  };
  for (const [text, problem] of Object.entries(wrong)) {
    const problems = await problemsOf(writeFolder(t.testdir(), change('passphrase_file: ./pass', `files: ${text}`)));
    t.match(problems, [problem], text);
  }
});

const withAgent = (text: string) => change('passphrase_file: ./pass', `workload_api: ${text}`);
const fromEnvironment = (socket: string | undefined) => ({
  ...world,
  spiffeEndpoint: thisMachine({ SPIFFE_ENDPOINT_SOCKET: socket }).spiffeEndpoint,
});

test('an agent takes the place of the local CA; its socket is configured, or that of the environment', async (t) => {
  const read = async (text: string, machine = world) => {
    const loaded = await loadConfig(writeFolder(t.testdir(), withAgent(text)), machine);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    return loaded.config;
  };
  const endpoints = {
    'unix:///run/spire/agent.sock': { kind: 'unix', path: '/run/spire/agent.sock' },
    'unix:/run/spire/agent.sock': { kind: 'unix', path: '/run/spire/agent.sock' },
    'tcp://127.0.0.1:8081': { kind: 'tcp', host: '127.0.0.1', port: 8081 },
    'tcp://[::1]:8081': { kind: 'tcp', host: '::1', port: 8081 },
  };
  const defaults = { kind: 'workload-api', hint: undefined, federation: [], overdueShare: 0.8 };
  for (const [uri, endpoint] of Object.entries(endpoints)) {
    t.same((await read(`{ socket: "${uri}" }`)).identity.source, { ...defaults, endpoint });
    t.same((await read('{}', fromEnvironment(uri))).identity.source, { ...defaults, endpoint });
  }
  const all = '{ socket: unix:///a, hint: internal, federation: [partner.test], overdue_at: 0.5 }';
  const config = await read(all, fromEnvironment('not even looked at'));
  const endpoint = { kind: 'unix', path: '/a' };
  const source = { endpoint, hint: 'internal', federation: ['partner.test'], overdueShare: 0.5 };
  t.same(config.identity.source, { ...defaults, ...source });
  const summary = configSummary(config, { color: false });
  t.match(summary, 'identity  spiffe://shop.test/orders, from unix:///a, hint internal');
  t.match(summary, 'trust     what the agent says, and of partner.test');
});

test('a socket that is none, that is far away, or that nobody has named', async (t) => {
  const wrong = {
    'agent.sock': /neither unix:\/\/\/PATH nor tcp/,
    '/run/agent.sock': /neither unix/,
    'unix://run/agent.sock': /neither unix/,
    'unix:agent.sock': /neither unix/,
    'unix:////agent.sock': /neither unix/,
    'unix:///run/agent.sock?x=1': /has a \?, # or % in its path/,
    'unix:///run/agent%2esock': /has a \?, # or % in its path/,
    [`unix:///${'a'.repeat(103)}`]: /longer than 103 bytes/,
    'http://127.0.0.1:8081': /neither unix/,
    'tcp://127.0.0.1': /has no port/,
    'tcp://127.0.0.1:8081/path': /has no port, or is no address/,
    'tcp://localhost:8081': /is no IP address/,
    'tcp://agent.test:8081': /is not loopback/,
    'tcp://10.0.0.1:8081': /is not loopback: our private key would cross the network/,
    'tcp://unix:/a': /is no IP address/,
  };
  for (const [uri, message] of Object.entries(wrong)) {
    const configured = await problemsOf(writeFolder(t.testdir(), withAgent(`{ socket: "${uri}" }`)));
    t.match(configured, [message], uri);
    t.match(configured, [/^portcullis\.yaml:4:\d+: identity\.workload_api\.socket: /]);
    const named = await problemsOf(writeFolder(t.testdir(), withAgent('{}')), fromEnvironment(uri));
    t.match(named, [
      /^portcullis\.yaml:4:\d+: identity\.workload_api\.\S+ SPIFFE_ENDPOINT_SOCKET in the environment: /,
    ]);
    t.match(named, [message], uri);
  }
  const missing = await problemsOf(writeFolder(t.testdir(), withAgent('{}')));
  t.match(missing, [/identity\.workload_api\S*: is not given, and neither is SPIFFE_ENDPOINT_SOCKET/]);
});

test('what does not stand beside an agent, and what it cannot bring', async (t) => {
  const both = good.replace(
    '  passphrase_file: ./pass',
    `  key: P-384\n  files: ${files}\n  workload_api: { socket: "unix:///a", federation: [shop.test, a.test, a.test], hint: "" }`,
  );
  t.match(await problemsOf(writeFolder(t.testdir(), both)), [
    /^portcullis\.yaml:4:3: identity\.key: is of the local CA, and `workload_api` stands/,
    /^portcullis\.yaml:4:3: identity\.key: is of the local CA, and `files` stands/,
    /^portcullis\.yaml:5:3: identity\.files: is another source of the SVID, and `workload_api` stands in its place$/,
    /federation\[0\]: `shop\.test` is our own trust domain/,
    /federation\[2\]: `a\.test` stands twice/,
    /hint: `` is not valid/,
  ]);
});
