import { jwtBundle } from '../../certs/spiffe-bundle.ts';
import { withFederated } from '../../certs/federated-trust.ts';
import type { FederatedAnchors } from '../../certs/workload-api/served-trust.ts';
import type { RevocationLists, TrustBundleData } from '../../certs/trust-bundle.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { type BundleFiles, openBundleFiles } from '../fetch/bundle-files.ts';
import { bundleSources, type FederatedBundle } from '../fetch/federated-bundles.ts';
import { type FetchedJwks, keySources } from '../fetch/issuer-keys.ts';
import { type Fetched as Kept, keepFetched, type Source } from '../fetch/keep-fetched.ts';
import { openNetwork } from '../fetch/network.ts';
import { jwtBundleKey } from '../snapshot-data.ts';
import { algorithmsOf } from '../fips/approved.ts';
import { type Crls, type LastLists, listSources, readLists } from '../fetch/revocation-lists.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What there is of what a configuration has fetched from URLs, and what stands beside it in files. */
export type There = {
  /** With `last`, a file that cannot be used does not hold up the others. */
  readonly lists: (config: Config, last?: LastLists) => Promise<readonly RevocationLists[]>;
  /** Text of the JWK sets that are there, by the name of their issuer, and for a trust domain by `jwtBundleKey`. */
  readonly keys: (config: Config) => ReadonlyMap<string, string>;
  /** Our own trust, with the trust domains of `federation` beside it whose bundles are there. */
  readonly trust: (config: Pick<Config, 'federation'>, own: TrustBundleData) => TrustBundleData;
};

export type Fetched = There & {
  /**
   * Tries what this configuration names, beside what is followed, of which nothing changes: a configuration may still be
   * refused. Resolves when each of it has been tried once. Throws for a bundle in a file that is no good.
   */
  readonly prepare: (config: Followed) => Promise<Prepared>;
  /** The same, followed at once. */
  readonly follow: (config: Followed) => Promise<void>;
  /** Bundles in files as they are now. Throws for one that is no good, which stays as it was. */
  readonly readBundles: (config: Pick<Config, 'federation'>) => Promise<void>;
  /** What `trust` has beside our own, by the configuration that is followed, with the keys of JWT-SVIDs. */
  readonly bundles: (own: TrustBundleData) => readonly FederatedAnchors[];
  /** A token names a key of this issuer that is not there. */
  readonly keyIsMissing: (issuer: string) => void;
  /** Calls when something else has come than there was; answers how to stop. */
  readonly watch: (changed: () => void) => () => void;
  /** The same of `bundles` alone. */
  readonly watchBundles: (changed: () => void) => () => void;
  readonly close: () => void;
};

/** What there is for a configuration that is not followed before `commit`, or never. */
export type Prepared = There & { readonly commit: () => void; readonly rollback: () => void };

/** All that is fetched, and how. */
export type Followed = Pick<Config, 'crls' | 'issuers' | 'federation' | 'fetch' | 'profile'>;

type Parts = {
  readonly clock: Clock;
  readonly audit: AuditStream;
  readonly log: Log;
  readonly metrics: Pick<Metrics, 'fetched'>;
};

export function openFetched(parts: Parts): Fetched {
  const { nowMs } = parts.clock;
  const [all, ofBundles] = [audience(), audience()];
  const changed = all.tell;
  const bundlesChanged = () => {
    changed();
    ofBundles.tell();
  };
  const lists = kept<Crls>(parts, 'revocation-list', {
    same: (one, other) => one.length === other.length && one.every(({ sha256 }, at) => sha256 === other[at]?.sha256),
    changed,
  });
  const same = (one: { readonly sha256: string }, other: { readonly sha256: string }) => one.sha256 === other.sha256;
  const keys = kept<FetchedJwks>(parts, 'issuer-keys', { same, changed });
  const bundles = kept<FederatedBundle>(parts, 'federated-bundle', { same, changed: bundlesChanged });
  const files = openBundleFiles();
  const complain = complaints(parts);
  let followed: Followed['federation'] = [];
  const current = { lists: lists.get, keys: keys.get, bundles: bundles.get, files: files.get };
  const said = () =>
    JSON.stringify(bundlesOf(current, followed).map(({ trustDomain, sha256 }) => [trustDomain, sha256]));
  // What is named no more, or anew, or stands in a file, changes without a word of its own.
  const tellUnless = (before: string) => {
    if (said() !== before) bundlesChanged();
  };
  const readBundles = async ({ federation }: Pick<Config, 'federation'>) => {
    const before = said();
    await files.read(federation.filter((entry) => entry.kind === 'file')).finally(() => tellUnless(before));
  };
  const prepare = async (config: Followed): Promise<Prepared> => {
    const network = await openNetwork(config.fetch, algorithmsOf(config));
    const asked = config.federation.filter((entry) => entry.kind === 'url');
    const [listed, served] = await Promise.all([
      listSources(config, network, nowMs),
      bundleSources(asked, network, nowMs),
    ]);
    await readBundles(config);
    const next = await Promise.all([
      lists.prepare(listed),
      keys.prepare(keySources(config, network)),
      bundles.prepare(served),
    ]);
    const [{ get: nextLists }, { get: nextKeys }, { get: nextBundles }] = next;
    return {
      ...thereIs({ lists: nextLists, keys: nextKeys, bundles: nextBundles, files: files.get }, complain),
      commit: () => {
        const before = said();
        followed = config.federation;
        for (const { commit } of next) commit();
        tellUnless(before);
      },
      rollback: () => {
        for (const { rollback } of next) rollback();
      },
    };
  };
  return {
    ...thereIs(current, complain),
    prepare,
    follow: async (config) => (await prepare(config)).commit(),
    readBundles,
    bundles: (own) => {
      const there = bundlesOf(current, followed);
      const believed = new Set(withFederated(own, there).trust.map(({ trustDomain }) => trustDomain));
      return there.filter(({ trustDomain }) => believed.has(trustDomain));
    },
    keyIsMissing: keys.ask,
    watch: all.watch,
    watchBundles: ofBundles.watch,
    close: () => {
      lists.close();
      keys.close();
      bundles.close();
    },
  };
}

type Getters = {
  readonly lists: Kept<Crls>['get'];
  readonly keys: Kept<FetchedJwks>['get'];
  readonly bundles: Kept<FederatedBundle>['get'];
  readonly files: BundleFiles['get'];
};

function thereIs(get: Getters, complain: (messages: readonly string[]) => void): There {
  return {
    lists: (config, last) => readLists(config, get.lists, last),
    keys: ({ issuers, federation, loadBalancers }) =>
      new Map([
        ...issuers.flatMap(({ name }) => {
          const jwks = get.keys(name);
          return jwks === undefined ? [] : [[name, jwks.text] as const];
        }),
        ...(loadBalancers?.jwtBundles ?? []).flatMap((wanted) => {
          const found = bundlesOf(get, federation).find(({ trustDomain }) => trustDomain === wanted.trustDomain);
          if (!wanted.isFederated || found === undefined) return [];
          return [[jwtBundleKey(wanted), jwtBundle(found.jwtKeys)] as const];
        }),
      ]),
    trust: ({ federation }, own) => {
      const { trust, leftOut } = withFederated(own, bundlesOf(get, federation));
      complain(leftOut);
      return trust;
    },
  };
}

function bundlesOf(get: Pick<Getters, 'bundles' | 'files'>, federation: Followed['federation']) {
  return federation.flatMap((entry) => {
    const { trustDomain } = entry;
    const bundle = entry.kind === 'file' ? get.files(entry) : get.bundles(trustDomain);
    return bundle === undefined ? [] : [{ trustDomain, ...bundle }];
  });
}

function audience() {
  const watchers = new Set<() => void>();
  return {
    tell: () => {
      for (const watcher of watchers) watcher();
    },
    watch: (watcher: () => void) => {
      watchers.add(watcher);
      return () => void watchers.delete(watcher);
    },
  };
}

type Kind = 'revocation-list' | 'issuer-keys' | 'federated-bundle';
type Uses<T> = { readonly same: (one: T, other: T) => boolean; readonly changed: () => void };

function kept<T>({ clock, audit, log, metrics }: Parts, kind: Kind, uses: Uses<T>): Kept<T> {
  const told = new Map<string, string>();
  const outcome = ({ name }: Source<T>, problem: unknown) => {
    metrics.fetched(kind, problem === undefined ? 'fetched' : 'failed');
    const message = problem === undefined ? undefined : problem instanceof Error ? problem.message : 'failed';
    if (told.get(name) === message) return;
    if (message === undefined) {
      told.delete(name);
      return log.info('fetch.recovered', { kind, source: name });
    }
    // Once for each complaint, however often it is tried.
    told.set(name, message);
    const reason = problem instanceof Error && 'code' in problem ? String(problem.code) : 'failed';
    log.error('fetch.failed', { kind, source: name, reason, message });
    audit.append({ kind: 'control', type: 'fetch.failed', outcome: 'error', reason, detail: message });
  };
  return keepFetched<T>({ nowMs: clock.nowMs, outcome, ...uses });
}

/** Each once, for as long as it holds. */
function complaints({ audit, log }: Parts): (messages: readonly string[]) => void {
  let told: readonly string[] = [];
  return (messages) => {
    for (const detail of messages.filter((message) => !told.includes(message))) {
      const reason = 'trust-bundle-invalid';
      log.error('trust.reject', { reason, detail });
      audit.append({ kind: 'control', type: 'trust.reject', outcome: 'deny', reason, detail });
    }
    told = messages;
  };
}
