import { jwtBundle } from '../../certs/spiffe-bundle.ts';
import { withFederated } from '../../certs/federated-trust.ts';
import type { FederatedAnchors } from '../../certs/workload-api/served-trust.ts';
import type { RevocationLists, TrustBundleData } from '../../certs/trust-bundle.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import { openBundleFiles } from '../fetch/bundle-files.ts';
import { bundleSources, type FederatedBundle } from '../fetch/federated-bundles.ts';
import { type FetchedJwks, keySources } from '../fetch/issuer-keys.ts';
import { type Fetched as Kept, keepFetched, type Source } from '../fetch/keep-fetched.ts';
import { openNetwork } from '../fetch/network.ts';
import { jwtBundleKey } from '../snapshot-data.ts';
import { algorithmsOf } from '../fips/approved.ts';
import { type Crls, listSources, readLists } from '../fetch/revocation-lists.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';

/** What the configuration has fetched from URLs, and what stands beside it in files. */
export type Fetched = {
  /** From here on what this configuration names; resolves when each of it has been tried once. Throws for a bundle in a file that is no good. */
  readonly follow: (config: Followed) => Promise<void>;
  /** Bundles in files as they are now. Throws for one that is no good, which stays as it was. */
  readonly readBundles: (config: Pick<Config, 'federation'>) => Promise<void>;
  /** With `before`, a file that cannot be used does not hold up the others. */
  readonly lists: (config: Config, before?: readonly RevocationLists[]) => Promise<readonly RevocationLists[]>;
  /** Text of the JWK sets that are there, by the name of their issuer, and for a trust domain by `jwtBundleKey`. */
  readonly keys: (config: Config) => ReadonlyMap<string, string>;
  /** Our own trust, with the trust domains of `federation` beside it whose bundles are there. */
  readonly trust: (config: Pick<Config, 'federation'>, own: TrustBundleData) => TrustBundleData;
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
  const there = (federation: Followed['federation']) =>
    federation.flatMap((entry) => {
      const { trustDomain } = entry;
      const bundle = entry.kind === 'file' ? files.get(entry) : bundles.get(trustDomain);
      return bundle === undefined ? [] : [{ trustDomain, ...bundle }];
    });
  const said = () => JSON.stringify(there(followed).map(({ trustDomain, sha256 }) => [trustDomain, sha256]));
  // What is named no more, or anew, or stands in a file, changes without a word of its own.
  const telling = async (work: () => Promise<void>) => {
    const before = said();
    await work().finally(() => said() !== before && bundlesChanged());
  };
  const readBundles = ({ federation }: Pick<Config, 'federation'>) =>
    files.read(federation.filter((entry) => entry.kind === 'file'));
  return {
    follow: (config) =>
      telling(async () => {
        followed = config.federation;
        const network = await openNetwork(config.fetch, algorithmsOf(config));
        const asked = config.federation.filter((entry) => entry.kind === 'url');
        await Promise.all([
          lists.follow(await listSources(config, network, nowMs)),
          keys.follow(keySources(config, network)),
          bundles.follow(await bundleSources(asked, network, nowMs)),
        ]);
        await readBundles(config);
      }),
    readBundles: (config) => telling(() => readBundles(config)),
    lists: (config, before) => readLists(config, lists.get, before),
    keys: ({ issuers, federation, loadBalancers }) =>
      new Map([
        ...issuers.flatMap(({ name }) => {
          const jwks = keys.get(name);
          return jwks === undefined ? [] : [[name, jwks.text] as const];
        }),
        ...(loadBalancers?.jwtBundles ?? []).flatMap((wanted) => {
          const found = there(federation).find(({ trustDomain }) => trustDomain === wanted.trustDomain);
          if (!wanted.isFederated || found === undefined) return [];
          return [[jwtBundleKey(wanted), jwtBundle(found.jwtKeys)] as const];
        }),
      ]),
    trust: ({ federation }, own) => {
      const { trust, leftOut } = withFederated(own, there(federation));
      complain(leftOut);
      return trust;
    },
    bundles: (own) => {
      const believed = new Set(withFederated(own, there(followed)).trust.map(({ trustDomain }) => trustDomain));
      return there(followed).filter(({ trustDomain }) => believed.has(trustDomain));
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
