import { readTrustBundle } from '../certs/trust-bundle.ts';
import { readStrictJson } from '../policy/json/strict-json.ts';
import { type CallerTokens, openCallerTokens } from './caller/caller-tokens.ts';
import { JWT_SVID_ALGORITHMS, readJwtBundle } from './caller/jwt-bundle.ts';
import { type CompiledRules, compileRules } from './compile-rules.ts';
import type { Address, BreakerConfig, Config, WorkloadConfig } from './config/config.ts';
import type { IssuerConfig } from './config/token-config.ts';
import { ProxyError } from './errors.ts';
import { openIntrospections } from './fetch/introspection.ts';
import { algorithmsOf, approvedTokens } from './fips/approved.ts';
import { ownHeaders } from './normalise/headers.ts';
import type { Snapshot } from './snapshot.ts';
import { jwksKey, jwtBundleKey, type SnapshotData } from './snapshot-data.ts';
import type { Breaker } from './upstream/breaker.ts';
import { linksTo, type OpenTlsLink } from './upstream/link.ts';
import { openPool, type WorkloadPool } from './upstream/pool.ts';
import { readJwks } from './user/read-jwks.ts';
import { type Issuer, openTokenVerifier } from './user/token-verifier.ts';

export type HydrateParts = {
  readonly compiling?: Promise<CompiledRules>;
  /** Its pool serves on where the workload has not changed. */
  readonly before?: Snapshot;
  readonly openTls?: OpenTlsLink;
  readonly openBreaker?: (config: BreakerConfig, address: Address) => Breaker;
};

/**
 * Makes a snapshot ready to judge by. Everything in it is compiled by now, so whatever cannot work is found before the
 * swap. The pool of the snapshot before serves on where the workload has not changed. Throws PolicyError, CertsError and ProxyError.
 */
export async function hydrate(
  data: SnapshotData,
  { compiling = compileRules(data), before, ...parts }: HydrateParts = {},
): Promise<Snapshot> {
  const { config, digest, policyBad } = data;
  return Object.freeze({
    digest,
    config,
    policyBad,
    ...(await compiling),
    tokens: openTokenVerifier(await Promise.all(config.issuers.map((issuer) => readIssuer(issuer, data.jwks)))),
    introspection: await openIntrospections(config, data.introspection),
    callerTokens: await readCallerTokens(config, data.jwks),
    trust: readTrustBundle(data.trust, data.denylist, data.lists, algorithmsOf(config)),
    ownHeaders: ownHeaders(headersOfOurs(config)),
    pool: before !== undefined && sameWorkload(before.config, config) ? before.pool : poolOf(config.workload, parts),
  });
}

type Opening = Pick<HydrateParts, 'openTls' | 'openBreaker'>;

function poolOf(workload: WorkloadConfig, opening: Opening): WorkloadPool {
  const { openTls = offline, openBreaker } = opening;
  return openPool(workload, linksTo(workload, openTls), {
    breaker: workload.breaker && openBreaker?.(workload.breaker, workload.address),
    standby: workload.standby && poolOf({ ...workload, ...workload.standby, standby: undefined }, opening),
  });
}

function offline(): never {
  throw new TypeError('who has no SVID opens no connection to a workload');
}

function sameWorkload(one: Config, other: Config): boolean {
  return JSON.stringify(one.workload) === JSON.stringify(other.workload);
}

/** Throws ProxyError for keys that are not what they were when the configuration was checked: a file that was just replaced. */
async function readIssuer(config: IssuerConfig, jwks: SnapshotData['jwks']): Promise<Issuer> {
  const text = jwks.get(jwksKey(config));
  // Not fetched yet, or too old: its tokens are refused for that.
  if (text === undefined && config.keys.kind === 'url') return { config, keys: undefined };
  const reading = readStrictJson(Buffer.from(text ?? ''), { maxDepth: 16 });
  const { keys, problems } = await readJwks(reading.ok ? reading.value : undefined);
  const [problem] = problems;
  if (problem === undefined) return { config, keys };
  throw new ProxyError('config-invalid', `${jwksKey(config)} ${problem.pointer} ${problem.message}`);
}

function headersOfOurs({ workload, loadBalancers }: Config): readonly string[] {
  const { spiffeIdHeader, clientCertHeader } = workload;
  return [spiffeIdHeader, clientCertHeader, ...(loadBalancers === undefined ? [] : [loadBalancers.header])];
}

async function readCallerTokens(config: Config, jwks: SnapshotData['jwks']): Promise<CallerTokens | undefined> {
  const { loadBalancers, profile } = config;
  if (loadBalancers === undefined) return undefined;
  const read = loadBalancers.jwtBundles.map(async (bundle) => {
    const text = jwks.get(jwtBundleKey(bundle));
    if (text === undefined) return [bundle.trustDomain, undefined] as const;
    const reading = readStrictJson(Buffer.from(text), { maxDepth: 16 });
    const { keys, problems } = await readJwtBundle(reading.ok ? reading.value : undefined);
    const [problem] = problems;
    if (problem === undefined) return [bundle.trustDomain, keys] as const;
    throw new ProxyError('config-invalid', `${jwtBundleKey(bundle)} ${problem.pointer} ${problem.message}`);
  });
  const algorithms =
    profile === 'fips' ? JWT_SVID_ALGORITHMS.filter((one) => approvedTokens.includes(one)) : JWT_SVID_ALGORITHMS;
  return openCallerTokens(loadBalancers, new Map(await Promise.all(read)), algorithms);
}
