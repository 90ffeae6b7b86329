import { hostname } from 'node:os';
import { CertsError } from '../../certs/errors.ts';
import { lockAuditFolder } from '../audit/folder-lock.ts';
import { type AuditStream, openAuditStream } from '../audit/stream.ts';
import { watchDisk } from '../audit/watch-disk.ts';
import type { Clock } from '../clock.ts';
import type { WorkloadApiFileConfig } from '../config/workload-api-config.ts';
import { type Fetched, openFetched } from '../control/fetched.ts';
import { describeTrustChange } from '../control/trust-change.ts';
import { watchFiles } from '../control/watch-files.ts';
import type { Log } from '../telemetry/log.ts';
import { serveLocalCa } from './serve-local-ca.ts';

export type WorkloadApiParts = {
  readonly config: WorkloadApiFileConfig;
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

/** `portcullis workload-api`: a process and an audit of its own. Throws CertsError or ProxyError; by then nothing runs any more. */
export async function startWorkloadApi(parts: WorkloadApiParts): Promise<RunningWorkloadApi> {
  const { config, configFile, clock, log } = parts;
  const lock = lockAuditFolder(config.audit.folder, clock.nowMs);
  const undo: (() => unknown)[] = [lock.release];
  try {
    const audit = openAudit(parts);
    undo.push(() => audit.close());
    undo.push(watchDisk(config.audit.folder, { audit, log }));
    audit.append({ kind: 'control', type: 'proc.start', pid: process.pid, version: parts.version });
    audit.append({ kind: 'control', type: 'config.load', file: configFile });
    const fetched = await followFederation(parts, audit);
    undo.push(fetched.close);
    undo.push(watchBundles(parts, fetched, audit));
    const federation = { current: fetched.bundles, watch: fetched.watchBundles };
    const served = await serveLocalCa({ config, clock, log, audit, federation });
    undo.push(served.close);
    return {
      bundleEndpoint: served.bundleEndpoint,
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

/** What is fetched is said in the audit; there are no metrics. */
async function followFederation({ config, clock, log }: WorkloadApiParts, audit: AuditStream): Promise<Fetched> {
  const fetched = openFetched({ clock, audit, log, metrics: { fetched: () => {} } });
  const now = () => ({ trust: fetched.trust(config, []), denylist: undefined, lists: [] });
  let before = now();
  fetched.watch(() => {
    const after = now();
    const detail = describeTrustChange(before, after);
    before = after;
    if (detail !== undefined) audit.append({ kind: 'control', type: 'trust.change', detail });
  });
  await fetched.follow({ ...config, crls: [], issuers: [], profile: 'standard' });
  return fetched;
}

/** A bundle in a file is in force as it changes; one that is no good leaves the one before. Answers how to stop. */
function watchBundles({ config, log }: WorkloadApiParts, fetched: Fetched, audit: AuditStream): () => void {
  const files = config.federation.flatMap((entry) => (entry.kind === 'file' ? [entry.file] : []));
  const refused = (cause: unknown) => {
    const [reason, detail] = cause instanceof CertsError ? [cause.code, cause.message] : ['failed', String(cause)];
    audit.append({ kind: 'control', type: 'trust.reject', outcome: 'deny', reason, detail });
    log.error('trust.reject', { reason, detail });
  };
  return files.length === 0 ? () => {} : watchFiles(files, () => void fetched.readBundles(config).catch(refused)).stop;
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
