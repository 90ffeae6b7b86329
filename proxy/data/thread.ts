import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineEvents } from '../../policy/engines/select.ts';
import { openAuditStream } from '../audit/stream.ts';
import { systemClock as clock } from '../clock.ts';
import { algorithmsOf } from '../fips/approved.ts';
import { countHeldBytes } from '../limit/held-bytes.ts';
import { openSharedLimits } from '../limit/shared-limits.ts';
import { giveBackAfterLoading } from '../give-back.ts';
import { createPipeline } from '../pipeline.ts';
import { serve } from '../serve.ts';
import type { Snapshot } from '../snapshot.ts';
import { stoppedAThread } from '../snapshot-data.ts';
import { compileRules } from '../compile-rules.ts';
import { hydrate } from '../hydrate.ts';
import { watchEventLoop } from '../telemetry/event-loop.ts';
import type { Log, LogFields, LogLevel } from '../telemetry/log.ts';
import { createMeasurements } from '../telemetry/measurements.ts';
import { sampled } from '../telemetry/stage-sample.ts';
import type { OpenTlsLink } from '../upstream/link.ts';
import { type HeartbeatMemory, openHeartbeat } from './heartbeat.ts';
import { http2Connections } from './http2-connections.ts';
import { createListener } from './listener.ts';
import { type Order, type Report, type ThreadBegin, type ThreadStart, unpack } from './messages.ts';
import { ownSvids } from './own-svids.ts';
import { breakers } from './open-breaker.ts';
import { countedAsWork } from './counted-as-work.ts';
import { snapshotOrders } from './snapshot-orders.ts';
import { listenerOptions, secureContext } from './tls-options.ts';
import { vocabularyOf } from './vocabulary.ts';
import { openTlsLink, type WorkloadLinkParts } from './workload-link.ts';

/**
 * A data thread: everything that a request touches. The composition root of the request path, as `proxy/main.ts` is of
 * the process; it holds no state that the main thread could not give to a successor.
 */
// What it begins with comes when the main thread has read the configuration, and what is imported above has been loaded by then.
// What it starts with comes when the main thread has its identity, for which it may have to wait.
const { promise: starting, resolve: giveStart } = Promise.withResolvers<ThreadStart>();
const { index, node, rules } = await new Promise<ThreadBegin>((giveBegin) =>
  parentPort?.once('message', (begin: ThreadBegin) => {
    // At once: what comes while nobody listens is lost.
    parentPort?.once('message', giveStart);
    giveBegin(begin);
  }),
);
const report = (message: Report) => parentPort?.postMessage(message);

const atLevel =
  (level: LogLevel) =>
  (event: string, fields: LogFields = {}) =>
    report({ is: 'log', level, event, fields: { thread: index, ...fields } });
const log: Log = { debug: atLevel('debug'), info: atLevel('info'), warn: atLevel('warn'), error: atLevel('error') };

const heartbeat = openHeartbeat(workerData as HeartbeatMemory);
setInterval(heartbeat.beat, 20);

const { config } = rules;
const measurements = createMeasurements(vocabularyOf(config), watchEventLoop(clock.monotonicMs));

const engineEvents = (revision: string): EngineEvents => ({
  wasm: heartbeat.wasm,
  compared: () => measurements.policy('compared'),
  differed: (difference) => {
    measurements.policy('differed');
    report({ is: 'differed', difference, revision });
  },
  cache: (outcome) => measurements.policy(outcome === 'hit' ? 'cacheHits' : 'cacheMisses'),
});

const audit = openAuditStream({
  folder: config.audit.folder,
  stream: `data-${index}`,
  segmentBytes: config.audit.segmentBytes,
  mode: config.audit.mode,
  identity: { node, workload: config.identity.spiffeId },
  now: clock.nowMs,
  monotonicNs: clock.monotonicNs,
  onStateChange: (state, cause) => report({ is: 'audit', state, why: cause?.message }),
  onCommitted: (result) => {
    if (result === 'written') measurements.auditWritten(1);
    else measurements.auditLost(1);
  },
});

const compiling = compileRules(rules, engineEvents(rules.policy.revision));
await compiling;

const start = await starting;
/** Nobody is sent anything before the thread listens. */
const openTls: OpenTlsLink = (workload, onread) => openTlsLink(linkParts, workload, onread);

const openBreaker = breakers({ audit, log, clock, thread: index });

let snapshot: Snapshot = await hydrate({ ...rules, ...start.snapshot }, { compiling, openTls, openBreaker });
let trust = start.snapshot.trust;
let svid = start.svid;
const limits = openSharedLimits(start.limits, index);

/**
 * Many bodies can become whole in one turn of the event loop, and to judge one takes up to a quarter of a second a MiB: that is
 * work, not a thread that is stuck.
 */
const held = countHeldBytes(() => snapshot.config.limits.maxHeldBytes, heartbeat.judges, {
  memory: start.limits.held,
  thread: index,
});

const own = ownSvids(svid, clock);

/** Policy revisions. */
const condemned = new Set<string>();

const serveParts = {
  pipeline: createPipeline({
    limits,
    clock,
    evaluations: {
      ...heartbeat.policy,
      condemned: (revision) => (condemned.has(revision) ? stoppedAThread : undefined),
    },
    held,
    ownNotAfterMs: () => own.current().notAfterMs,
    countToken: measurements.token,
    countIntrospection: measurements.introspection,
    countCaller: measurements.caller,
  }),
  audit,
  measurements: countedAsWork(measurements, heartbeat),
  clock,
  log,
  timing: sampled({ now: clock.monotonicMs, observe: measurements.stage }),
  snapshot: () => snapshot,
  newId: randomUUID,
};

const bug = (cause: unknown) => log.error('connection.bug', { cause: cause instanceof Error ? cause : String(cause) });
const ownTls = () => secureContext(svid, trust, algorithmsOf(config));
/** Made for the first connection to a workload with TLS since our SVID or the trust has changed. */
let workloadTls: SecureContext | undefined;
const linkParts: WorkloadLinkParts = {
  ...serveParts,
  ownSvid: own.current,
  secureContext: () => (workloadTls ??= createSecureContext(ownTls())),
  bug,
};

/** Each ends after its record, which may be later than its connection. */
const exchanges = new Set<Promise<void>>();
let hasServed = false;
const listener = createListener(listenerOptions(svid, trust, config), {
  ...serveParts,
  limits,
  openHttp2: config.http2 && (await http2Connections(config.http2)),
  ownSvid: own.current,
  bug,
  atWork: heartbeat.beat,
  serve: (connection, request) => {
    hasServed = true;
    const exchange = serve(serveParts, connection, request);
    exchanges.add(exchange);
    // It never rejects; `finally` would make two more promises of each.
    void exchange.then(() => exchanges.delete(exchange));
  },
});

type Ready = { readonly snapshot: Snapshot; readonly trust: typeof trust };

async function ready(packed: Uint8Array): Promise<Ready> {
  heartbeat.preparing.enter();
  try {
    const data = unpack(packed);
    const compiling = compileRules(data, engineEvents(data.policy.revision));
    return { snapshot: await hydrate(data, { compiling, before: snapshot, openTls, openBreaker }), trust: data.trust };
  } finally {
    heartbeat.preparing.leave();
  }
}

function renewTls(): void {
  workloadTls = undefined;
  listener.server.setSecureContext(ownTls());
}

function judgeBy(next: Ready): void {
  const { pool } = snapshot;
  snapshot = next.snapshot;
  trust = next.trust;
  renewTls();
  measurements.setVocabulary(vocabularyOf(snapshot.config));
  // A revocation does not wait for the next sweep.
  listener.sweep();
  // What is in flight was judged by the old snapshot and goes to its workload.
  if (pool === snapshot.pool) return;
  pool.retire();
  void Promise.all(exchanges).then(() => pool.close());
}

const obeyOfSnapshots = snapshotOrders({ ready, judgeBy, report });

async function drain(): Promise<void> {
  await listener.drain();
  await Promise.all(exchanges);
  await audit.close();
  report({ is: 'drained' });
}

function obey(order: Order): void {
  switch (order.do) {
    case 'prepare':
    case 'commit':
    case 'judge-by':
      return obeyOfSnapshots(order);
    case 'condemn':
      return void condemned.add(order.revision);
    case 'svid':
      svid = order.svid;
      own.replaceBy(svid);
      return renewTls();
    case 'measure':
      measurements.auditLag(audit.lagMs);
      measurements.breakerOpen(snapshot.pool.breaker.isOpen());
      return report({ is: 'measured', request: order.request, delta: measurements.drain() });
    case 'drain':
      return void drain();
    case 'break-off':
      return listener.breakOff();
  }
}

async function listen(): Promise<void> {
  listener.server.listen({ ...start.listen, reusePort: true });
  await once(listener.server, 'listening');
  parentPort?.on('message', obey);
  report({ is: 'listening', port: (listener.server.address() as AddressInfo).port });
  giveBackAfterLoading({ hasServed: () => hasServed, works: heartbeat.judges });
}

try {
  await listen();
} catch (cause) {
  const { code, message } = cause as NodeJS.ErrnoException;
  report({ is: 'failed-to-start', code, message, remedy: undefined });
}
