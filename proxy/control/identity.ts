import type { CaEvent } from '../../certs/local-ca/events.ts';
import type { Algorithms } from '../../certs/approved.ts';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';
import type { IdentityEvent } from '../../certs/sources/events.ts';
import { filesSource } from '../../certs/sources/files/source.ts';
import type { SvidSource } from '../../certs/sources/svid-source.ts';
import type { TrustBundleData } from '../../certs/trust-bundle.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type {
  Config,
  IdentityConfig,
  IdentityFilesConfig,
  LocalCaConfig,
  WorkloadApiConfig,
} from '../config/config.ts';
import { algorithmsOf } from '../fips/approved.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { caRecord } from './ca-record.ts';

/** Who this proxy is and whom it trusts. */
export type Identity = {
  readonly source: SvidSource;
  /** As it stands on the disk now: another process may have revoked something. */
  readonly trust: () => TrustBundleData;
  /** Files whose change changes the trust bundle or our own SVID. */
  readonly watched: readonly string[];
  /** To be called when a watched file has changed, before the trust is read. */
  readonly lookAgain: () => Promise<void>;
  /** Text of the JWT bundles that its agent has sent of the trust domains that the configuration asks it for, by `jwtBundleKey`. */
  readonly jwtBundles: (config: Config) => ReadonlyMap<string, string>;
  /** Calls when the trust bundle or a JWT bundle has changed although no watched file has; answers how to stop. */
  readonly watchTrust: (changed: () => void) => () => void;
  readonly close: () => void;
};

type Parts = {
  /** The local CA makes no others than those that are approved. */
  readonly algorithms: Algorithms;
  readonly clock: Clock;
  readonly audit: AuditStream;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Called with each new reason for which there is no identity yet. */
  readonly waiting: (why: string) => void;
  /** Ends the wait for an identity. */
  readonly stop: AbortSignal;
};
type OnEvent = (event: CaEvent | IdentityEvent) => void;

/** From the source that the configuration names. Throws CertsError; what has to be waited for rejects when `stop` says so. */
export function openIdentity(config: Config, given: Omit<Parts, 'algorithms'>): Promise<Identity> {
  const { identity } = config;
  const { source } = identity;
  const parts = { ...given, algorithms: algorithmsOf(config) };
  const onEvent = recordIn(parts);
  switch (source.kind) {
    case 'local-ca':
      return fromLocalCa(identity, source, parts.clock, onEvent);
    case 'files':
      return fromFiles(identity, source, parts, onEvent);
    case 'workload-api':
      return fromWorkloadApi(identity, source, parts, onEvent);
  }
}

const nobody = () => () => {};
const none = () => new Map<string, string>();

async function fromLocalCa(
  { stateFolder, trustDomain, spiffeId }: IdentityConfig,
  { keyAlgorithm, passphraseFile, svidLifetimeMs }: LocalCaConfig,
  { nowMs: now }: Clock,
  onEvent: OnEvent,
): Promise<Identity> {
  // Loaded for who asks for it, with what signs certificates: 20 MB.
  const [{ openLocalCa }, { localCaSource }] = await Promise.all([
    import('../../certs/local-ca/local-ca.ts'),
    import('../../certs/sources/local-ca.ts'),
  ]);
  const passphrase = passphraseFile === undefined ? {} : { passphrase: await readPassphrase(passphraseFile) };
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm, ...passphrase, now, onEvent });
  // Clients that know names and no SPIFFE IDs, such as curl, can verify a proxy on their own machine.
  const dnsNames = ['localhost'];
  const source = await localCaSource(ca, { spiffeId, lifetimeMs: svidLifetimeMs, dnsNames, now, onEvent });
  return {
    source,
    trust: ca.trustBundle,
    jwtBundles: none,
    watched: [ca.describe().crlFile],
    lookAgain: async () => {},
    watchTrust: nobody,
    close: () => {
      source.close();
      ca.close();
    },
  };
}

async function fromFiles(
  { trustDomain, spiffeId }: IdentityConfig,
  { certificate, key, bundle, overdueShare }: IdentityFilesConfig,
  { clock: { nowMs: now }, algorithms }: Parts,
  onEvent: OnEvent,
): Promise<Identity> {
  const files = { certificate, key, bundle };
  const source = await filesSource({ files, spiffeId, trustDomain, overdueShare, algorithms, now, onEvent });
  const { trust, lookAgain, watchTrust, close } = source;
  return { source, trust, jwtBundles: none, watched: Object.values(files), lookAgain, watchTrust, close };
}

async function fromWorkloadApi(
  { trustDomain, spiffeId }: IdentityConfig,
  agent: WorkloadApiConfig,
  { clock: { nowMs: now }, algorithms, stop }: Parts,
  onEvent: OnEvent,
): Promise<Identity> {
  // Loaded for who asks for it: gRPC stays in the memory of the process.
  const { workloadApiSource } = await import('../../certs/sources/workload-api/source.ts');
  const { agentBundles } = await import('./agent-bundles.ts');
  const source = await workloadApiSource({ ...agent, spiffeId, trustDomain, algorithms, now, onEvent, stop });
  const { trust } = source;
  const bundles = agentBundles({ endpoint: agent.endpoint, now, current: source.current, onEvent });
  return {
    source,
    trust,
    jwtBundles: bundles.get,
    watched: [],
    lookAgain: async () => {},
    watchTrust: (changed) => {
      const unwatch = [source.watchTrust(changed), bundles.watch(changed)];
      return () => unwatch.forEach((stop) => stop());
    },
    close: () => {
      bundles.close();
      source.close();
    },
  };
}

function recordIn({ audit, log, metrics, waiting }: Parts): OnEvent {
  return (event) => {
    audit.append(caRecord(event));
    if (event.type === 'identity.wait') {
      waiting(event.message);
      return log.warn(event.type, { reason: event.code, message: event.message });
    }
    if (event.type === 'identity.refresh-failed' || event.type === 'trust.refresh-failed') {
      metrics.identityRefreshed(event.type === 'trust.refresh-failed' ? 'bundle' : 'svid', 'refused');
      return log.error(event.type, { reason: event.code, message: event.message });
    }
    if (event.type === 'identity.rotate') metrics.identityRefreshed('svid', 'used');
    return log.info(event.type);
  };
}
