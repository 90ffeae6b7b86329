import { hostname } from 'node:os';
import { CertsError } from '../../certs/errors.ts';
import { type LocalCa, openLocalCa } from '../../certs/local-ca/local-ca.ts';
import { readPassphrase } from '../../certs/local-ca/secret-files.ts';
import type { WorkloadApiEvent } from '../../certs/workload-api/events.ts';
import { RefusedCall } from '../../certs/workload-api/refused-call.ts';
import { serveWorkloadApi } from '../../certs/workload-api/serve.ts';
import { lockAuditFolder } from '../audit/folder-lock.ts';
import type { ControlEvent } from '../audit/catalogue.ts';
import { type AuditStream, openAuditStream } from '../audit/stream.ts';
import type { Clock } from '../clock.ts';
import type { ServedWorkloadApiConfig } from '../config/workload-api-config.ts';
import { caRecord } from '../control/ca-record.ts';
import { watchFiles } from '../control/watch-files.ts';
import type { Log } from '../telemetry/log.ts';
import { workloadApiRecord } from './workload-api-record.ts';

export type WorkloadApiParts = {
  readonly config: ServedWorkloadApiConfig;
  readonly configFile: string;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
};

export type RunningWorkloadApi = {
  /** Undefined where none is configured. */
  readonly bundleEndpoint: string | undefined;
  readonly close: (why: string) => Promise<void>;
};

/** Opens the CA, and serves it on every socket. Throws CertsError or ProxyError; by then nothing runs any more. */
export async function startWorkloadApi(parts: WorkloadApiParts): Promise<RunningWorkloadApi> {
  const { config, configFile, clock, log } = parts;
  const lock = lockAuditFolder(config.audit.folder, clock.nowMs);
  const undo: (() => unknown)[] = [lock.release];
  try {
    const audit = openAudit(parts);
    undo.push(() => audit.close());
    audit.append({ kind: 'control', type: 'proc.start', pid: process.pid, version: parts.version });
    audit.append({ kind: 'control', type: 'config.load', file: configFile });
    const ca = await openCa(parts, audit);
    undo.push(ca.close);
    const api = await serveWorkloadApi({
      ca,
      sockets: config.sockets,
      svidLifetimeMs: config.ca.svidLifetimeMs,
      jwtSvidLifetimeMs: config.jwtSvidLifetimeMs,
      now: clock.nowMs,
      record: recordIn(parts, audit),
      onBug: (cause) => log.error('workload-api.bug', { cause: cause instanceof Error ? cause : String(cause) }),
    });
    undo.push(api.close);
    const endpoint = await endpointOf(ca, parts, audit);
    undo.push(() => endpoint?.close());
    const watch = watchFiles([ca.describe().crlFile], () => void lookAgain(api.lookAgain, parts, audit));
    undo.push(watch.stop);
    return {
      bundleEndpoint: endpoint?.address,
      close: async (why) => {
        audit.append({ kind: 'control', type: 'proc.stop', detail: why });
        for (const step of undo.reverse()) await step();
      },
    };
  } catch (cause) {
    for (const step of undo.reverse()) await step();
    throw cause;
  }
}

async function endpointOf(ca: LocalCa, { config, clock, log }: WorkloadApiParts, audit: AuditStream) {
  const {
    bundleEndpoint,
    ca: { svidLifetimeMs },
  } = config;
  if (bundleEndpoint === undefined) return undefined;
  // Loaded for who serves one.
  const { serveBundle } = await import('./bundle-endpoint.ts');
  const record = (event: ControlEvent) => void audit.append(event);
  return serveBundle({ ca, config: bundleEndpoint, svidLifetimeMs, clock, log, record });
}

function openAudit({ config: { audit, trustDomain }, clock, log }: WorkloadApiParts): AuditStream {
  return openAuditStream({
    folder: audit.folder,
    stream: 'control',
    segmentBytes: audit.segmentBytes,
    mode: audit.mode,
    // It is no workload of its trust domain, it speaks for all of it.
    identity: { node: hostname(), workload: `spiffe://${trustDomain}` },
    now: clock.nowMs,
    monotonicNs: clock.monotonicNs,
    onStateChange: (state, cause) =>
      log[state === 'failed' ? 'error' : 'info'](`audit.${state}`, { why: cause?.message }),
  });
}

/** Under `audit.mode: required` nothing is issued that leaves no record. */
async function openCa({ config, clock, log }: WorkloadApiParts, audit: AuditStream): Promise<LocalCa> {
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

function recordIn({ config, log }: WorkloadApiParts, audit: AuditStream) {
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
async function lookAgain(look: () => Promise<void>, { log }: WorkloadApiParts, audit: AuditStream): Promise<void> {
  try {
    await look();
  } catch (cause) {
    const [reason, detail] = cause instanceof CertsError ? [cause.code, cause.message] : [undefined, String(cause)];
    audit.append({ kind: 'control', type: 'trust.reject', outcome: 'deny', reason, detail });
    log.error('trust.refresh-failed', { reason, cause: cause instanceof Error ? cause : detail });
  }
}
