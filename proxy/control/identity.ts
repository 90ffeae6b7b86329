import { openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';
import { localCaSource } from '../../certs/sources/local-ca.ts';
import type { SvidSource } from '../../certs/sources/svid-source.ts';
import type { TrustBundleData } from '../../certs/trust-bundle.ts';
import type { CaEvent } from '../../certs/local-ca/events.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../telemetry/log.ts';
import { caRecord } from './ca-record.ts';

/** Who this proxy is and whom it trusts, from the local CA. */
export type Identity = {
  readonly source: SvidSource;
  /** As it stands on the disk now: another process may have revoked something. */
  readonly trust: () => TrustBundleData;
  /** Files whose change changes the trust bundle. */
  readonly watched: readonly string[];
  readonly close: () => void;
};

type Parts = { readonly clock: Clock; readonly audit: AuditStream; readonly log: Log };

/** Throws CertsError. */
export async function openIdentity(config: Config, { clock, audit, log }: Parts): Promise<Identity> {
  const { stateFolder, trustDomain, keyAlgorithm, passphraseFile, spiffeId, svidLifetimeMs } = config.identity;
  const onEvent = (event: CaEvent) => {
    audit.append(caRecord(event));
    if (event.type === 'identity.refresh-failed') log.error(event.type, { message: event.message });
    else log.info(event.type);
  };
  const passphrase = passphraseFile === undefined ? {} : { passphrase: await readPassphrase(passphraseFile) };
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm, ...passphrase, now: clock.nowMs, onEvent });
  // Clients that know names and no SPIFFE IDs, such as curl, can verify a proxy on their own machine.
  const dnsNames = ['localhost'];
  const source = await localCaSource(ca, { spiffeId, lifetimeMs: svidLifetimeMs, dnsNames, now: clock.nowMs, onEvent });
  const { crlFile } = ca.describe();
  return {
    source,
    trust: ca.trustBundle,
    watched: [crlFile],
    close: () => {
      source.close();
      ca.close();
    },
  };
}
