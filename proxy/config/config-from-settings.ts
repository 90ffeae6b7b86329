import type { Endpoint } from '../../certs/sources/workload-api/endpoint.ts';
import type {
  AuditConfig,
  Config,
  CrlConfig,
  IdentityConfig,
  LimitsConfig,
  PolicyConfig,
  QuotaConfig,
  RouteBody,
  RouteConfig,
  RouteUser,
  StandbyConfig,
  WorkloadConfig,
} from './config.ts';
import type { DpopConfig, IssuerConfig, IssuerKeysConfig } from './token-config.ts';
import { defaultMaxKeyAgeMs, defaultRefreshMs } from './issuer-options.ts';
import { introspectionOf } from './introspection-options.ts';
import { federatedRoutesOf } from './federated-routes.ts';
import { federationOf } from './federation-checks.ts';
import { deepFreeze } from './freeze.ts';
import type { ConfigProblem } from './problem.ts';
import { loadBalancersOf } from './load-balancer-checks.ts';
import type { Settings } from './options.ts';
import type { World } from './world.ts';
import { servedOf } from './workload-api-checks.ts';
import { unsafeKeys } from './unsafe-keys.ts';

type RouteSettings = Settings['routes'][number];
type UserSettings = NonNullable<RouteSettings['user']>;
type DpopSettings = NonNullable<Settings['issuers'][number]['dpop']>;

/** From the file's words to the program's: units in names, shorthands and dependent defaults written out, frozen. */
export function configFromSettings(file: string, settings: Settings, world: World): Config {
  const { identity } = settings;
  const audit = { folder: settings.audit.folder, mode: settings.audit.mode, segmentBytes: settings.audit.segment };
  return deepFreeze({
    file,
    identity: {
      trustDomain: identity.trust_domain,
      spiffeId: identity.spiffe_id,
      stateFolder: identity.state,
      source: identitySource(identity, world),
    },
    listen: { host: settings.listen.host, port: settings.listen.port },
    http2: settings.http2 && { maxStreams: settings.http2.max_streams },
    workload: workload(settings.workload),
    policy: policyOf(settings.policy, settings.profile),
    issuers: settings.issuers.map(issuer),
    loadBalancers:
      settings.load_balancers === undefined ? undefined : loadBalancersOf(settings.load_balancers, identity),
    routes: settings.routes.map((one) => route(one, settings.workload.max_response)),
    limits: limits(settings.limits),
    audit,
    admin: settings.admin,
    explainTo: settings.explain_to,
    denylistFile: settings.denylist,
    crls: settings.crls.map(crl),
    federation: settings.federation.map(federationOf),
    federatedRoutes: federatedRoutesOf(settings.federated_routes),
    workloadApi: workloadApi(settings, audit),
    fetch: { allow: settings.fetch.allow, caFile: settings.fetch.ca },
    threads: settings.threads === 'auto' ? world.cores : settings.threads,
    drainMs: settings.drain,
    profile: settings.profile,
    installation: installation(settings.installation),
    unsafe: unsafeKeys(settings),
  });
}

function installation(settings: Settings['installation']): Config['installation'] {
  return settings && { publicKeyFile: settings.public_key, signatureFile: settings.signature };
}

/** From the CA of `identity`; without one, the checks have found a problem already. */
function workloadApi({ workload_api: served, identity }: Settings, audit: AuditConfig): Config['workloadApi'] {
  if (served === undefined) return undefined;
  const {
    trust_domain: trustDomain,
    state: stateFolder,
    key: keyAlgorithm,
    passphrase_file: passphraseFile,
  } = identity;
  const ca = { svidLifetimeMs: served.svid_lifetime, keyAlgorithm, passphraseFile };
  return { ...servedOf(served), trustDomain, stateFolder, ca, audit };
}

function crl({ issuer: issuerFile, file, url, refresh: refreshMs = 3_600_000 }: Settings['crls'][number]): CrlConfig {
  if (file !== undefined) return { kind: 'file', issuerFile, file };
  return { kind: 'url', issuerFile, url: url ?? '', refreshMs };
}

function identitySource(settings: Settings['identity'], { spiffeEndpoint }: World): IdentityConfig['source'] {
  const { files, workload_api: agent } = settings;
  if (files !== undefined) {
    const { certificate, key, bundle, overdue_at: overdueShare } = files;
    return { kind: 'files', certificate, key, bundle, overdueShare };
  }
  if (agent !== undefined) {
    const { hint, federation, overdue_at: overdueShare } = agent;
    const endpoint = agent.socket === 'environment' ? given(spiffeEndpoint) : agent.socket;
    return { kind: 'workload-api', endpoint, hint, federation, overdueShare };
  }
  const { svid_lifetime: svidLifetimeMs, key: keyAlgorithm, passphrase_file: passphraseFile } = settings;
  return { kind: 'local-ca', svidLifetimeMs, keyAlgorithm, passphraseFile };
}

/** Without one, the checks have found a problem already. */
function given(endpoint: World['spiffeEndpoint']): Endpoint {
  if (endpoint === undefined || 'wrong' in endpoint) throw new TypeError('there is no SPIFFE_ENDPOINT_SOCKET');
  return endpoint.value;
}

/** The policy section of a file that has problems elsewhere. */
export function policyFromSettings(
  { policy, profile }: Partial<Pick<Settings, 'policy' | 'profile'>>,
  problems: readonly ConfigProblem[],
): PolicyConfig | undefined {
  const isSound = problems.every(({ path, file }) => !path.startsWith('policy') && file !== policy?.data);
  return policy !== undefined && isSound ? deepFreeze(policyOf(policy, profile)) : undefined;
}

function policyOf(settings: Settings['policy'], profile: Settings['profile'] | undefined): PolicyConfig {
  const { rego = [], data, bundle, cache } = settings;
  const isRegulated = profile === 'regulated' || profile === 'fips';
  return {
    source: bundle === undefined ? { kind: 'rego', paths: rego, dataFile: data } : { kind: 'bundle', path: bundle },
    entrypoint: settings.entrypoint,
    strict: settings.strict ?? isRegulated,
    engine: {
      engine: settings.engine,
      strictBuiltinErrors: settings.strict_builtin_errors,
      maxSteps: settings.max_steps,
      maxMemoryBytes: settings.max_memory,
      deadlineMs: settings.deadline,
      verify: { share: settings.verify_share, refuse: isRegulated },
      cryptography: profile === 'fips' ? 'refused' : 'allowed',
      cache: cache === undefined ? undefined : { maxEntries: cache.entries, maxBytes: cache.size },
    },
  };
}

function workload(settings: Settings['workload']): WorkloadConfig {
  return {
    ...placeOf(settings),
    standby: settings.standby && placeOf(settings.standby),
    breaker: settings.breaker && { failures: settings.breaker.failures, openForMs: settings.breaker.open_for },
    connectTimeoutMs: settings.connect_timeout,
    headersTimeoutMs: settings.headers_timeout,
    bodyTimeoutMs: settings.body_timeout,
    maxResponseBytes: settings.max_response,
    maxConnections: settings.max_connections,
    maxRequestsPerConnection: settings.max_requests_per_connection,
    unsafeCloseDelimited: settings.unsafe_close_delimited,
    spiffeIdHeader: settings.spiffe_id_header,
    clientCertHeader: settings.client_cert_header,
  };
}

function placeOf({ address, tls }: Pick<Settings['workload'], 'address' | 'tls'>): StandbyConfig {
  return { address, tls: tls && { spiffeIds: tls.spiffe_ids } };
}

function route(settings: RouteSettings, longestResponse: number): RouteConfig {
  const { response, quota, max_response: maxBytes = Math.min(1024 ** 2, longestResponse) } = settings;
  return {
    name: settings.name,
    methods: settings.methods,
    path: settings.path,
    quota: quota === undefined ? undefined : quotaOf(quota),
    body: bodyOf(settings),
    querySchema: settings.query_schema,
    pathSchema: settings.path_schema,
    response: response === undefined ? undefined : { maxBytes, schemas: response },
    timeoutMs: settings.timeout,
    user: settings.user === undefined ? undefined : userOf(settings.user),
  };
}

/** Whoever writes `100 per minute` expects the hundred to be there when they are asked for together. */
function quotaOf({ requests, per, burst }: NonNullable<RouteSettings['quota']>): QuotaConfig {
  return { requests, perMs: per, burst: burst ?? requests };
}

function userOf({ issuers, token, single_use: singleUse, forward_token: forwardToken }: UserSettings): RouteUser {
  return { issuers, optional: token === 'optional', singleUse, forwardToken };
}

function issuer(settings: Settings['issuers'][number]): IssuerConfig {
  return {
    name: settings.name,
    issuer: settings.issuer,
    realm: settings.realm,
    keys: issuerKeys(settings),
    algorithms: settings.algorithms,
    audience: settings.audience,
    tokenTypes: settings.token_types ?? ['at+jwt'],
    maxTokenAgeMs: settings.max_token_age,
    clockToleranceMs: settings.clock_tolerance,
    dpop: settings.dpop === undefined ? undefined : dpopOf(settings.dpop),
    introspection: settings.introspection && introspectionOf(settings.introspection),
  };
}

function dpopOf({ proof, algorithms = ['ES256'], max_age: maxAgeMs }: DpopSettings): DpopConfig {
  return { required: proof === 'required', algorithms, maxAgeMs };
}

function issuerKeys({
  jwks,
  jwks_uri: uri,
  refresh,
  max_key_age: maxAge,
}: Settings['issuers'][number]): IssuerKeysConfig {
  if (jwks !== undefined) return { kind: 'file', file: jwks };
  const jwksUri = uri === 'discovery' ? undefined : uri;
  return { kind: 'url', jwksUri, refreshMs: refresh ?? defaultRefreshMs, maxAgeMs: maxAge ?? defaultMaxKeyAgeMs };
}

function bodyOf({ body, max_body: maxBytes = 1024 ** 2 }: RouteSettings): RouteBody {
  if (body === 'none') return { kind: 'none' };
  return body === 'stream' ? { kind: 'stream', maxBytes } : { kind: 'validate', maxBytes, schemas: body };
}

function limits(settings: Settings['limits']): LimitsConfig {
  return {
    handshakeMs: settings.handshake,
    headMs: settings.head,
    bodyIdleMs: settings.body_idle ?? Math.min(10_000, settings.body),
    bodyMs: settings.body,
    keepAliveMs: settings.keep_alive,
    writeIdleMs: settings.write_idle,
    maxHeadBytes: settings.max_head,
    maxHeaders: settings.max_headers,
    maxConnections: settings.max_connections,
    maxConnectionsPerIdentity: settings.max_connections_per_identity ?? Math.min(2000, settings.max_connections),
    maxConnectionAgeMs: settings.max_connection_age,
    drainAfterRotationMs: settings.drain_after_rotation,
    maxRequestsPerConnection: settings.max_requests_per_connection,
    maxInFlight: settings.max_in_flight,
    maxInFlightPerIdentity: settings.max_in_flight_per_identity ?? Math.min(1000, settings.max_in_flight),
    maxHeldBytes: settings.max_held,
    maxIdentities: settings.max_identities,
    maxSingleUseTokens: settings.max_single_use_tokens,
    stallMs: settings.stall,
  };
}
