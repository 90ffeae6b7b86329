import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'tap';
import type { Config } from '../../../proxy/config/config.ts';
import { writeSpiffeBundle } from '../../../certs/spiffe-bundle.ts';
import { loadConfig } from '../../../proxy/config/load-config.ts';
import { options } from '../../../proxy/config/options.ts';
import { restartOnlyChanges } from '../../../proxy/config/restart-only.ts';
import type { Fields } from '../../../proxy/config/shape.ts';
import { authorityPem } from '../../pki/authority.ts';
import { makePki } from '../../pki/pki.ts';
import { jwks, tokenKey } from '../../harness/user-tokens.ts';
import { world, writeFolder } from './folder.ts';

const spiffeId = 'spiffe://shop.test/orders';
const schemas = { 'application/json': './order.json' };
const route = {
  name: 'a',
  methods: ['POST'],
  // Of the schema that stands for one of the path below.
  path: '/a/{page}',
  body: 'stream',
  quota: { requests: 9, per: '1m' },
  user: { issuers: ['staff'] },
  response: schemas,
};
const files = { certificate: './svid.pem', key: './svid.key', bundle: './bundle.pem' };
const agent = { socket: 'tcp://127.0.0.1:8081' };
const introspection = { endpoint: 'https://login.test/a', client_id: 'a', client_secret_file: './pass', cache: {} };
const issuer = {
  name: 'staff',
  issuer: 'https://login.test',
  realm: 'internal',
  jwks: './staff.json',
  algorithms: ['ES256'],
  audience: 'orders',
  dpop: { proof: 'optional' },
  introspection,
};
const pki = await makePki({ trustDomain: 'shop.test', nowMs: Date.now() });
const crl = { issuer: './ca.pem', url: 'https://pki.test/a' };
const partner = { trust_domain: 'partner.test', url: 'https://partner.test/', profile: 'https_web' };
const spiffePartner = {
  ...partner,
  profile: 'https_spiffe',
  endpoint_spiffe_id: 'spiffe://partner.test/a',
  bootstrap: './bundle.json',
};
const spiffeEndpoint = { listen: '127.0.0.1:8444', profile: 'https_spiffe', spiffe_id: 'spiffe://shop.test/e' };
const webEndpoint = { listen: '127.0.0.1:8444', profile: 'https_web', certificate: './ca.pem', key: './pass' };
const socket = { path: '/r/a/api.sock', svids: [{ spiffe_id: 'spiffe://shop.test/a' }] };
const served = { sockets: [socket], bundle_endpoint: spiffeEndpoint };
const keys = {
  'ca.pem': authorityPem(pki.intermediate),
  'other.pem': authorityPem(pki.root),
  'ca.crl': await pki.crl([]),
  'bundle.json': writeSpiffeBundle({ rootsPem: [pki.caPem], jwtKeys: [], sequence: 1, refreshHintMs: 0 }),
  'staff.json': jwks(tokenKey('one'), tokenKey('two', 'rsa')),
  'other.json': jwks(tokenKey('three')),
  denylist: '',
};
const base = {
  identity: { trust_domain: 'shop.test', spiffe_id: spiffeId },
  listen: '127.0.0.1:8443',
  workload: { address: '127.0.0.1:8080' },
  policy: { rego: './policy', cache: { entries: 1 } },
  issuers: [issuer, { ...issuer, name: 'partner', issuer: 'https://partner.test' }],
  load_balancers: { peers: [`${spiffeId}/edge`], jwt_bundles: { 'shop.test': './staff.json' } },
  routes: [route],
  crls: [crl],
  federation: [partner],
  fetch: {},
  limits: {},
  audit: {},
  installation: { public_key: './ca.pem', signature: './ca.crl' },
};

/** For every key a value that differs from the one in `base`, or from the default. */
const other: Readonly<Record<string, unknown>> = {
  identity: { trust_domain: 'b.test', spiffe_id: 'spiffe://b.test/b' },
  'identity.trust_domain': 'b.test',
  'identity.spiffe_id': 'spiffe://shop.test/b',
  'identity.state': './b',
  'identity.svid_lifetime': '2h',
  'identity.key': 'P-384',
  'identity.passphrase_file': './pass',
  'identity.files': files,
  'identity.files.certificate': './b',
  'identity.files.key': './b',
  'identity.files.bundle': './b',
  'identity.files.overdue_at': 0.5,
  'identity.workload_api': agent,
  'identity.workload_api.socket': 'unix:///b',
  'identity.workload_api.hint': 'b',
  'identity.workload_api.federation': ['b.test'],
  'identity.workload_api.overdue_at': 0.5,
  listen: '127.0.0.1:1024',
  http2: {},
  'http2.max_streams': 1,
  workload: 'unix:/b',
  'workload.address': 'unix:/b',
  'workload.tls': { spiffe_ids: ['spiffe://shop.test/b'] },
  'workload.tls.spiffe_ids': ['spiffe://shop.test/b'],
  'workload.standby': { address: 'unix:/c' },
  'workload.standby.address': 'unix:/c',
  'workload.standby.tls': { spiffe_ids: ['spiffe://shop.test/c'] },
  'workload.standby.tls.spiffe_ids': ['spiffe://shop.test/c'],
  'workload.breaker': { failures: 2 },
  'workload.breaker.failures': 2,
  'workload.breaker.open_for': '2s',
  'workload.connect_timeout': '2s',
  'workload.headers_timeout': '2s',
  'workload.body_timeout': '2s',
  'workload.max_response': '1GiB',
  'workload.max_connections': 2,
  'workload.max_requests_per_connection': 2,
  'workload.spiffe_id_header': 'x-b',
  'workload.client_cert_header': 'x-b',
  'workload.unsafe_close_delimited': true,
  policy: { rego: './policy/authz.rego' },
  'policy.rego': './policy/authz.rego',
  'policy.data': './data.json',
  'policy.bundle': './policy',
  'policy.entrypoint': 'b/c',
  'policy.strict': true,
  'policy.engine': 'wasm',
  'policy.verify_share': 0.5,
  'policy.strict_builtin_errors': true,
  'policy.max_steps': 2000,
  'policy.max_memory': '8MiB',
  'policy.deadline': '50ms',
  'policy.cache': {},
  'policy.cache.entries': 2,
  'policy.cache.size': '1MiB',
  issuers: [{ ...issuer, realm: 'external' }],
  'issuers[].name': 'b',
  'issuers[].issuer': 'https://b.test',
  'issuers[].realm': 'federated',
  'issuers[].jwks': './other.json',
  'issuers[].jwks_uri': 'https://login.test/keys',
  'issuers[].refresh': '2s',
  'issuers[].max_key_age': '2h',
  'issuers[].algorithms': ['ES256', 'RS256'],
  'issuers[].audience': 'b',
  'issuers[].token_types': ['JWT'],
  'issuers[].max_token_age': '2s',
  'issuers[].clock_tolerance': '2s',
  'issuers[].dpop': 'required',
  'issuers[].dpop.proof': 'required',
  'issuers[].dpop.algorithms': ['ES384'],
  'issuers[].dpop.max_age': '2s',
  'issuers[].introspection': { ...introspection, client_id: 'b' },
  'issuers[].introspection.endpoint': 'https://login.test/b',
  'issuers[].introspection.client_id': 'b',
  'issuers[].introspection.client_secret_file': './other-pass',
  'issuers[].introspection.ca': './ca.pem',
  'issuers[].introspection.timeout': '1s',
  'issuers[].introspection.cache': { max_age: '1s' },
  'issuers[].introspection.cache.max_age': '1s',
  'issuers[].introspection.cache.entries': 1,
  load_balancers: { peers: [spiffeId], jwt_bundles: { 'b.test': './staff.json' } },
  'load_balancers.peers': [`${spiffeId}/b`],
  'load_balancers.jwt_bundles': { 'b.test': './staff.json' },
  'load_balancers.header': 'x-b',
  'load_balancers.token': 'optional',
  'load_balancers.audience': 'b',
  'load_balancers.max_lifetime': '2h',
  routes: [{ ...route, name: 'b' }],
  'routes[].name': 'b',
  'routes[].methods': ['PUT'],
  'routes[].path': '/b',
  'routes[].body': 'none',
  'routes[].max_body': '2MiB',
  'routes[].query_schema': './query.json',
  'routes[].path_schema': './query.json',
  'routes[].response': { 'application/b+json': './order.json' },
  'routes[].max_response': '2MiB',
  'routes[].timeout': '2s',
  'routes[].quota': { requests: 1, per: '1m' },
  'routes[].quota.requests': 8,
  'routes[].quota.per': '2m',
  'routes[].quota.burst': 2,
  'routes[].user': { issuers: ['partner'] },
  'routes[].user.issuers': ['partner'],
  'routes[].user.token': 'optional',
  'routes[].user.single_use': true,
  'routes[].user.forward_token': true,
  installation: { public_key: './other.pem', signature: './ca.crl' },
  'installation.public_key': './other.pem',
  'installation.signature': './denylist',
  limits: { max_headers: 7 },
  'limits.handshake': '2s',
  'limits.head': '2s',
  'limits.body_idle': '2s',
  'limits.body': '20s',
  'limits.keep_alive': '2s',
  'limits.write_idle': '2s',
  'limits.max_head': '2KiB',
  'limits.max_headers': 2,
  'limits.max_connections': 2000,
  'limits.max_connections_per_identity': 2,
  'limits.max_connection_age': '2h',
  'limits.drain_after_rotation': '2h',
  'limits.max_requests_per_connection': 2,
  'limits.max_in_flight': 2000,
  'limits.max_in_flight_per_identity': 2,
  'limits.max_held': '1MiB',
  'limits.max_identities': 20,
  'limits.max_single_use_tokens': 20,
  'limits.stall': '2s',
  audit: { mode: 'best-effort' },
  'audit.folder': './b',
  'audit.mode': 'best-effort',
  'audit.segment': '1MiB',
  admin: 'off',
  explain_to: [spiffeId],
  denylist: './denylist',
  crls: [],
  'crls[].issuer': './other.pem',
  'crls[].file': './ca.crl',
  'crls[].url': 'https://pki.test/b',
  'crls[].refresh': '2s',
  workload_api: { sockets: [socket] },
  'workload_api.svid_lifetime': '2h',
  'workload_api.jwt_svid_lifetime': '2m',
  'workload_api.sockets': [{ ...socket, svids: [] }],
  'workload_api.sockets[].path': '/r/b/api.sock',
  'workload_api.sockets[].svids': [],
  'workload_api.sockets[].svids[].spiffe_id': 'spiffe://shop.test/b',
  'workload_api.sockets[].svids[].hint': 'b',
  'workload_api.sockets[].svids[].dns_names': ['b'],
  'workload_api.sockets[].federates_with': ['partner.test'],
  'workload_api.bundle_endpoint': webEndpoint,
  'workload_api.bundle_endpoint.listen': '127.0.0.1:1024',
  'workload_api.bundle_endpoint.profile': 'https_web',
  'workload_api.bundle_endpoint.certificate': './other.pem',
  'workload_api.bundle_endpoint.key': './pass',
  'workload_api.bundle_endpoint.spiffe_id': 'spiffe://shop.test/b',
  'workload_api.bundle_endpoint.refresh_hint': '2s',
  federation: [],
  'federation[].trust_domain': 'b.test',
  'federation[].url': 'https://b.test/',
  'federation[].bundle': './bundle.json',
  'federation[].profile': 'https_spiffe',
  'federation[].ca': './ca.pem',
  'federation[].endpoint_spiffe_id': 'spiffe://partner.test/b',
  'federation[].bootstrap': './bundle.json',
  'federation[].refresh': '2s',
  'federation[].max_age': '2h',
  federated_routes: { 'partner.test': ['a'] },
  fetch: { allow: ['127.0.0.1'] },
  'fetch.allow': ['10.0.0.0/8'],
  'fetch.ca': './ca.pem',
  threads: 2,
  drain: '2s',
  profile: 'regulated',
  unsafe_remote_workload: true,
  unsafe_remote_admin: true,
};

/** A change to another trust domain takes the SPIFFE ID along, and some keys exclude each other. */
const together: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'http2.max_streams': { http2: {} },
  'workload.tls.spiffe_ids': { 'workload.tls': {} },
  'workload.breaker.failures': { 'workload.breaker': {} },
  'workload.standby': { 'workload.breaker': {} },
  'workload.standby.address': { 'workload.breaker': {}, 'workload.standby': {} },
  'workload.standby.tls': { 'workload.breaker': {}, 'workload.standby': { address: 'unix:/d' } },
  'workload.standby.tls.spiffe_ids': { 'workload.breaker': {}, 'workload.standby': { address: 'unix:/d', tls: {} } },
  'workload.breaker.open_for': { 'workload.breaker': {} },
  'policy.bundle': { 'policy.rego': undefined },
  'policy.strict_builtin_errors': { 'policy.engine': 'plan' },
  'crls[].file': { 'crls[].url': undefined },
  ...Object.fromEntries(
    Object.keys(other)
      .filter((path) => path.startsWith('workload_api.'))
      .map((path) => [path, { workload_api: served }]),
  ),
  ...Object.fromEntries(
    ['profile', 'certificate', 'key'].map((key) => [
      `workload_api.bundle_endpoint.${key}`,
      { workload_api: { ...served, bundle_endpoint: webEndpoint } },
    ]),
  ),
  'federation[].bundle': { 'federation[].url': undefined, 'federation[].profile': undefined },
  'federation[].profile': { federation: [spiffePartner] },
  'federation[].endpoint_spiffe_id': { federation: [spiffePartner] },
  'federation[].bootstrap': { federation: [spiffePartner] },
  'issuers[].jwks_uri': { 'issuers[].jwks': undefined },
  'issuers[].refresh': { 'issuers[].jwks': undefined, 'issuers[].jwks_uri': 'discovery' },
  'issuers[].max_key_age': { 'issuers[].jwks': undefined, 'issuers[].jwks_uri': 'discovery' },
  'issuers[].name': { 'routes[].user.issuers': ['b'] },
  'identity.trust_domain': { 'identity.spiffe_id': 'spiffe://b.test/b' },
  'identity.files.certificate': { 'identity.files': files },
  'identity.files.key': { 'identity.files': files },
  'identity.files.bundle': { 'identity.files': files },
  'identity.files.overdue_at': { 'identity.files': files },
  'identity.workload_api.socket': { 'identity.workload_api': agent },
  'identity.workload_api.hint': { 'identity.workload_api': agent },
  'identity.workload_api.federation': { 'identity.workload_api': agent },
  'identity.workload_api.overdue_at': { 'identity.workload_api': agent },
};

test('exactly the keys that the reference marks `restart` are left for a restart', async (t) => {
  const file = writeFolder(t.testdir(), '');
  writeFileSync(join(dirname(file), 'other-pass'), 'another secret\n', { mode: 0o600 });
  const before = await load(file, base);
  for (const [title, fields] of sections()) {
    for (const [key, { reload }] of Object.entries(fields)) {
      const path = title === '(top level)' ? key : `${title}.${key}`;
      t.ok(Object.hasOwn(other, path), `${path} has another value here`);
      const changes = { ...together[path], [path]: other[path] };
      const after = await load(
        file,
        Object.entries(changes).reduce((so, [at, value]) => replaced(so, at, value), base),
      );
      t.not(JSON.stringify(after), JSON.stringify(before), `${path} reaches the configuration`);
      t.equal(restartOnlyChanges(before, after).length > 0 ? 'restart' : 'live', reload, path);
    }
  }
});

function sections(): readonly (readonly [string, Fields])[] {
  return (options.sections ?? []).map(({ title, fields }) => [title, fields]);
}

/** `from` with `value` at a path such as `routes[].quota.per`. */
function replaced(from: typeof base, path: string, value: unknown): typeof base {
  const copy: typeof base = structuredClone(from);
  const steps = path.replaceAll('[]', '.0').split('.');
  const last = steps.pop() ?? '';
  const parent = steps.reduce<Record<string, unknown>>((at, step) => at[step] as Record<string, unknown>, copy);
  parent[last] = value;
  return copy;
}

async function load(file: string, config: object): Promise<Config> {
  writeFolder(dirname(file), JSON.stringify(config), keys);
  const loaded = await loadConfig(file, world);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return { ...loaded.config, routes: loaded.config.routes.map((one) => ({ ...one, ...plainMaps(one) })) };
}

/** JSON has no maps, and the comparison above is by JSON. */
function plainMaps({ response }: Config['routes'][number]): object {
  return { response: response && { ...response, schemas: Object.fromEntries(response.schemas) } };
}
