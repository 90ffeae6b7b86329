import { CertsError } from '../../certs/errors.ts';
import { type LocalCa, openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';
import type { WorkloadApiEvent } from '../../certs/workload-api/events.ts';
import { RefusedCall } from '../../certs/workload-api/refused-call.ts';
import type { Federation } from '../../certs/workload-api/served-trust.ts';
import { serveWorkloadApi } from '../../certs/workload-api/serve.ts';
import type { ControlEvent } from '../audit/catalogue.ts';
import type { AuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { ServedWorkloadApiConfig } from '../config/config.ts';
import { caRecord } from '../control/ca-record.ts';
import { watchFiles } from '../control/watch-files.ts';
import type { Log } from '../telemetry/log.ts';
import { workloadApiRecord } from './workload-api-record.ts';

export type ServedParts = {
  readonly config: ServedWorkloadApiConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: AuditStream;
  /** The bundles of other trust domains. */
  readonly federation: Federation;
};

export type ServedWorkloadApi = {
  /** Undefined where none is configured. */
  readonly bundleEndpoint: string | undefined;
  readonly close: () => Promise<void>;
};

/** Opens the CA, and serves it on every socket and the bundle endpoint. Throws CertsError or ProxyError; by then nothing runs any more. */
export async function serveLocalCa(parts: ServedParts): Promise<ServedWorkloadApi> {
  const { config, clock, log } = parts;
  const undo: (() => unknown)[] = [];
  const close = async () => {
    for (const step of undo.reverse()) await step();
  };
  try {
    const ca = await openCa(parts);
    undo.push(ca.close);
    const api = await serveWorkloadApi({
      ca,
      sockets: config.sockets,
      federation: parts.federation,
      svidLifetimeMs: config.ca.svidLifetimeMs,
      jwtSvidLifetimeMs: config.jwtSvidLifetimeMs,
      now: clock.nowMs,
      record: recordIn(parts),
      onBug: (cause) => log.error('workload-api.bug', { cause: cause instanceof Error ? cause : String(cause) }),
    });
    undo.push(api.close);
    const endpoint = await endpointOf(ca, parts);
    undo.push(() => endpoint?.close());
    const watch = watchFiles([ca.describe().crlFile], () => void lookAgain(api.lookAgain, parts));
    undo.push(watch.stop);
    return { bundleEndpoint: endpoint?.address, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function endpointOf(ca: LocalCa, { config, clock, log, audit }: ServedParts) {
  const {
    bundleEndpoint,
    ca: { svidLifetimeMs },
  } = config;
  if (bundleEndpoint === undefined) return undefined;
  // Loaded for who serves one.
  const { serveBundle } = await import('./bundle-endpoint.ts');
  const record = (event: ControlEvent) => audit.append(event);
  return serveBundle({ ca, config: bundleEndpoint, svidLifetimeMs, clock, log, record });
}

/** Under `audit.mode: required` nothing is issued that leaves no record. */
async function openCa({ config, clock, log, audit }: ServedParts): Promise<LocalCa> {
  const { stateFolder, trustDomain, audit: auditing } = config;
  const { keyAlgorithm, passphraseFile } = config.ca;
  const passphrase = passphraseFile === undefined ? {} : { passphrase: await readPassphrase(passphraseFile) };
  const ca = await openLocalCa({
    stateFolder,
    trustDomain,
    keyAlgorithm,
    ...passphrase,
    now: clock.nowMs,
    onEvent: (event) => {
      audit.append(caRecord(event));
      if (event.type === 'ca.refuse') log.error(event.type, { reason: event.code, message: event.message });
      else log.info(event.type, event.type === 'ca.issue' ? { spiffe_id: event.spiffeId, serial: event.serial } : {});
    },
  });
  const issue: LocalCa['issue'] = async (request) => {
    if (auditing.mode === 'required' && audit.state === 'failed') {
      throw new RefusedCall('UNAVAILABLE', 'nothing is issued without a record: audit-unavailable');
    }
    return ca.issue(request);
  };
  return { ...ca, issue };
}

function recordIn({ config, log, audit }: ServedParts) {
  return async (event: WorkloadApiEvent): Promise<boolean> => {
    if (event.type === 'svid.renewal-failed') {
      log.error(event.type, { socket: event.socket, spiffe_id: event.spiffeId, message: event.message });
    }
    if (event.type === 'svid.refuse') {
      log.warn(event.type, { socket: event.socket, method: event.method, reason: event.code, message: event.message });
    }
    const written = await audit.commit(workloadApiRecord(event));
    return written === 'written' || config.audit.mode === 'best-effort';
  };
}

/** A list that cannot be read leaves what was there, and is read again when it changes. */
async function lookAgain(look: () => Promise<void>, { log, audit }: ServedParts): Promise<void> {
  try {
    await look();
  } catch (cause) {
    const [reason, detail] = cause instanceof CertsError ? [cause.code, cause.message] : [undefined, String(cause)];
    audit.append({ kind: 'control', type: 'trust.reject', outcome: 'deny', reason, detail });
    log.error('trust.refresh-failed', { reason, cause: cause instanceof Error ? cause : detail });
  }
}
