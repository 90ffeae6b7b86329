import { endpointText } from '../../certs/sources/workload-api/endpoint.ts';
import { addressText } from '../config/address.ts';
import { durationText, sizeText } from '../config/amounts.ts';
import type { EngineSettings } from '../../policy/engines/settings.ts';
import type {
  Config,
  CrlConfig,
  IdentityConfig,
  PolicySource,
  RouteBody,
  RouteConfig,
  StandbyConfig,
  WorkloadConfig,
} from '../config/config.ts';
import type { FederatedRoutes, FederationConfig } from '../config/federation-config.ts';
import type { IssuerConfig, LoadBalancersConfig } from '../config/token-config.ts';
import type { CryptographicModule } from '../fips/module.ts';
import type { Io } from './command.ts';
import { painter, table } from './render.ts';

const width = 120;

/** What a configuration means, with all defaults written out where they matter. */
export function configSummary(config: Config, { color }: Pick<Io, 'color'>, fips?: CryptographicModule): string {
  const paint = painter(color);
  const { identity, workload, policy, audit, admin } = config;
  const facts = [
    ...identityFacts(identity),
    ['listen', listenText(config)],
    ['workload', workloadText(workload)],
    ...config.crls.map((crl) => ['revoked', crlText(crl)] as const),
    ...(config.workloadApi?.sockets ?? []).map(({ path }) => ['serves', `the Workload API, on ${path}`] as const),
    ...config.federation.map((entry) => ['federated', federationText(entry)] as const),
    ...(config.federatedRoutes === undefined ? [] : [['foreign', foreignText(config.federatedRoutes)] as const]),
    ...(config.loadBalancers === undefined ? [] : [['callers', callersText(config.loadBalancers)] as const]),
    ...config.issuers.map((issuer) => ['users', issuerText(issuer, config.routes)] as const),
    ['policy', `${policy.entrypoint} of ${sourceText(policy.source)}; what no rule allows is denied`],
    ['engine', engineText(policy.engine)],
    ['audit', `${audit.mode}, in ${audit.folder}`],
    ['admin', admin === 'off' ? 'off' : addressText(admin)],
    ['threads', String(config.threads)],
    ['profile', fips === undefined ? config.profile : `fips: ${fips.statement}`],
  ].map(([name = '', value = '']) => `  ${name.padEnd(10)}${value}\n`);
  const { installation } = config;
  if (installation)
    facts.push(
      `  ${'files'.padEnd(10)}compared at start with what the key in ${installation.publicKeyFile} has signed\n`,
    );
  const unsafe = config.unsafe.length === 0 ? paint('green', 'nothing') : paint('yellow', config.unsafe.join(', '));
  return [
    paint('green', `${config.file}: no problem\n`),
    ...facts,
    `  unsafe    ${unsafe}\n\n`,
    `${table(config.routes.map(routeRow), COLUMNS, width)}\n`,
  ].join('');
}

function identityFacts({ spiffeId, stateFolder, source }: IdentityConfig): readonly (readonly [string, string])[] {
  if (source.kind === 'files') {
    return [
      ['identity', `${spiffeId}, from ${source.certificate}`],
      ['keys', source.key],
      ['trust', source.bundle],
    ];
  }
  if (source.kind === 'workload-api') {
    const { endpoint, hint, federation } = source;
    const chosen = hint === undefined ? '' : `, hint ${hint}`;
    return [
      ['identity', `${spiffeId}, from ${endpointText(endpoint)}${chosen}`],
      ['trust', ['what the agent says', ...federation].join(', and of ')],
    ];
  }
  const { keyAlgorithm, svidLifetimeMs, passphraseFile } = source;
  return [
    ['identity', `${spiffeId}, ${keyAlgorithm}, certificates for ${durationText(svidLifetimeMs)}`],
    ['keys', `${stateFolder}, ${passphraseFile === undefined ? 'stored plain' : 'encrypted'}`],
  ];
}

function listenText({ listen, http2 }: Config): string {
  const place = `${addressText({ kind: 'tcp', ...listen })}, mutual TLS 1.3`;
  return http2 === undefined ? place : `${place}, HTTP/2 too, requests at once on a connection: ${http2.maxStreams}`;
}

function workloadText({ breaker, standby, ...workload }: WorkloadConfig): string {
  if (breaker === undefined) return placeText(workload);
  const left = `left alone for ${durationText(breaker.openForMs)} after failures in a row: ${breaker.failures}`;
  return [placeText(workload), left, ...(standby === undefined ? [] : [`then ${placeText(standby)}`])].join('; ');
}

function placeText({ address, tls }: StandbyConfig): string {
  return `${addressText(address)}${tls === undefined ? '' : `, mutual TLS 1.3, as ${tls.spiffeIds.join(' or ')}`}`;
}

function crlText(crl: CrlConfig): string {
  const place = crl.kind === 'file' ? crl.file : `${crl.url}, every ${durationText(crl.refreshMs)}`;
  return `${place}, by the CAs of ${crl.issuerFile}`;
}

function federationText(entry: FederationConfig): string {
  if (entry.kind === 'file') return `${entry.trustDomain}, from ${entry.file}`;
  const { trustDomain, url, server, maxAgeMs } = entry;
  const as = server.kind === 'spiffe' ? ` as ${server.spiffeId}` : '';
  return `${trustDomain}, from ${url}${as}, believed for ${durationText(maxAgeMs)}`;
}

function foreignText(named: readonly FederatedRoutes[]): string {
  const each = named.map(({ trustDomain, routes }) => `${trustDomain} on ${routes.join(', ') || 'no route'}`);
  return `${each.join('; ')}; any other trust domain on no route`;
}

function callersText({ peers, header, jwtBundles }: LoadBalancersConfig): string {
  const domains = jwtBundles.map(
    ({ trustDomain, file, isFederated }) =>
      `${trustDomain} by ${file ?? (isFederated ? 'its bundle in `federation`' : 'its agent')}`,
  );
  return `of ${peers.join(', ')} by a JWT-SVID in ${header}: ${domains.join(', ')}`;
}

function issuerText(config: IssuerConfig, routes: readonly RouteConfig[]): string {
  const { name, issuer, realm, algorithms, dpop, introspection } = config;
  const served = routes.filter(({ user }) => user?.issuers.includes(name)).map((route) => route.name);
  const proofs = dpop === undefined ? '' : `, DPoP ${dpop.required ? 'required' : 'optional'}`;
  const asked = introspection === undefined ? '' : `, introspection at ${introspection.endpoint}`;
  return `${name}, ${realm}: ${issuer}, ${algorithms.join(' ')}${proofs}${asked}; on ${served.join(', ') || 'no route'}`;
}

function sourceText(source: PolicySource): string {
  return source.kind === 'bundle' ? `the bundle ${source.path}` : source.paths.join(', ');
}

function engineText({ engine, maxSteps, deadlineMs, verify, cache }: EngineSettings): string {
  const bounds = {
    plan: `plan, ${maxSteps} steps`,
    wasm: `wasm, ${durationText(deadlineMs)}`,
    verify: `plan, ${maxSteps} steps; of ${verify.share * 100} % also wasm, ${durationText(deadlineMs)}`,
  };
  return `${bounds[engine]} a decision${cache === undefined ? '' : `; up to ${cache.maxEntries} kept by each thread`}`;
}

const COLUMNS = [
  { title: 'ROUTE' },
  { title: 'METHODS' },
  { title: 'PATH' },
  { title: 'QUOTA PER IDENTITY' },
  { title: 'TIMEOUT' },
  { title: 'VALIDATED', shrinkTo: 10 },
  { title: 'BODY', shrinkTo: 20 },
];

function routeRow({ name, methods, path, quota, timeoutMs, querySchema, pathSchema, body, response }: RouteConfig) {
  const validated = [
    pathSchema === undefined ? [] : ['path'],
    querySchema === undefined ? [] : ['query'],
    body.kind === 'validate' ? ['body'] : [],
    response === undefined ? [] : ['response'],
  ].flat();
  return [
    name,
    methods.join(' '),
    path,
    quota === undefined ? '-' : `${quota.requests} per ${durationText(quota.perMs)}, burst ${quota.burst}`,
    durationText(timeoutMs),
    validated.join(' ') || '-',
    bodyText(body),
  ];
}

function bodyText(body: RouteBody): string {
  if (body.kind === 'none') return 'refused';
  const cap = `up to ${sizeText(body.maxBytes)}`;
  return body.kind === 'stream' ? `streamed unseen, ${cap}` : `${[...body.schemas.keys()].join(', ')}, ${cap}`;
}
