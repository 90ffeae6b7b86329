import { createRequire } from 'node:module';
import type * as prom from 'prom-client';
import { callerOutcomes } from '../caller/find-caller.ts';
import { denialRow } from '../denial.ts';
import { introspectionOutcomes } from '../user/introspection.ts';
import { METRICS, STAGE_BUCKETS_SECONDS } from './definitions.ts';
import { connectionEnds, type MeasurementDelta } from './measurements.ts';
import { createStageHistogram, type StageHistogram } from './stage-histogram.ts';
import { boundedTo, type Vocabulary } from './vocabulary.ts';

const load = createRequire(import.meta.url);

// Four of its files: the package as a whole loads 80 more, for a cluster, a push gateway and gauges of its own, which took a start
// 90 ms and 14 MB.
const Counter = load('prom-client/lib/counter.js') as typeof prom.Counter;
const Gauge = load('prom-client/lib/gauge.js') as typeof prom.Gauge;
const Histogram = load('prom-client/lib/histogram.js') as typeof prom.Histogram;
const Registry = load('prom-client/lib/registry.js') as typeof prom.Registry;

export type RuntimeLabels = {
  readonly version: string;
  readonly node: string;
  readonly openssl: string;
};

/** The registry of the main thread. Nothing else imports prom-client, so that replacing it stays one file's work. */
export type Metrics = {
  /** Adds what a data thread reported; `thread` is its index, or `main`. */
  readonly absorb: (thread: number | 'main', delta: MeasurementDelta) => void;
  /** The thread has ended: its counters stay counted, its gauges stand for nothing any more. */
  readonly threadEnded: (thread: number) => void;
  readonly threadReplaced: (reason: 'stalled' | 'deadline' | 'crashed') => void;
  readonly setThreads: (count: number) => void;
  readonly setAuditDiskUsed: (share: number) => void;
  readonly setSvidExpiry: (epochMs: number) => void;
  readonly identityRefreshed: (part: 'svid' | 'bundle', outcome: 'used' | 'refused') => void;
  readonly fetched: (
    kind: 'revocation-list' | 'issuer-keys' | 'federated-bundle',
    outcome: 'fetched' | 'failed',
  ) => void;
  /** By source; undefined where no list has come. */
  readonly setRevocationLists: (ends: ReadonlyMap<string, number | undefined>) => void;
  readonly setSnapshot: (digest: string, policyRevision: string) => void;
  readonly reloaded: (outcome: 'loaded' | 'rejected') => void;
  readonly setUnsafe: (options: readonly string[]) => void;
  readonly setVocabulary: (vocabulary: Vocabulary) => void;
  /** Prometheus text, format 0.0.4. */
  readonly expose: () => Promise<string>;
};

export function createMetrics(initial: Vocabulary, runtime: RuntimeLabels): Metrics {
  const instruments = createInstruments();
  const { counters, gauges, stages } = instruments;
  let route = boundedTo(initial.routes);
  gauges.runtime.set(runtime, 1);
  return {
    absorb: (thread, delta) => {
      for (const [name, code, count] of delta.requests) {
        const outcome = code === 'ok' ? 'allowed' : denialRow(code).kind;
        // Bounded again: a thread that still serves the last requests of an old snapshot knows routes that are gone.
        counters.requests.inc({ route: route(name), outcome, code }, count);
      }
      absorbCounters(counters, delta);
      absorbGauges(gauges, String(thread), delta);
      for (const [stage, buckets, sumSeconds] of delta.stages) stages.add(stage, buckets, sumSeconds);
    },
    threadEnded: (thread) => {
      for (const gauge of perThread(gauges)) gauge.remove({ thread: String(thread) });
    },
    threadReplaced: (reason) => counters.threadReplacements.inc({ reason }),
    setThreads: (count) => gauges.threads.set(count),
    setAuditDiskUsed: (share) => gauges.auditDiskUsed.set(share),
    setSvidExpiry: (epochMs) => gauges.svidExpiry.set(epochMs / 1000),
    identityRefreshed: (part, outcome) => counters.identityRefreshes.inc({ part, outcome }),
    fetched: (kind, outcome) => counters.fetches.inc({ kind, outcome }),
    setRevocationLists: (ends) => {
      gauges.revocationListEnd.reset();
      for (const [source, endMs = 0] of ends) gauges.revocationListEnd.set({ source }, endMs / 1000);
    },
    setSnapshot: (digest, policyRevision) => {
      gauges.snapshot.reset();
      gauges.snapshot.set({ digest, policy_revision: policyRevision }, 1);
    },
    reloaded: (outcome) => counters.reloads.inc({ outcome }),
    setUnsafe: (options) => {
      gauges.unsafeOptions.reset();
      for (const option of options) gauges.unsafeOptions.set({ option }, 1);
    },
    setVocabulary: (vocabulary) => {
      route = boundedTo(vocabulary.routes);
    },
    expose: () => exposition(instruments),
  };
}

function exposition({ registry, counters, gauges }: Instruments): Promise<string> {
  gauges.residentMemory.set(process.memoryUsage.rss());
  const { user, system } = process.cpuUsage();
  counters.cpu.reset();
  counters.cpu.inc((user + system) / 1e6);
  return registry.metrics();
}

type Instruments = ReturnType<typeof createInstruments>;

function createInstruments() {
  const registry = new Registry();
  const counter = <L extends string>({ name, help, labels }: Definition<L>) =>
    new Counter<L>({ name, help, labelNames: labels, registers: [registry] });
  const gauge = <L extends string>({ name, help, labels }: Definition<L>) =>
    new Gauge<L>({ name, help, labelNames: labels, registers: [registry] });
  const stages = createStageHistogram(METRICS.stageSeconds.name, STAGE_BUCKETS_SECONDS);
  const counters = {
    requests: counter(METRICS.requests),
    upstreamResponses: counter(METRICS.upstreamResponses),
    workloadHandshakes: counter(METRICS.workloadHandshakes),
    handshakes: counter(METRICS.handshakes),
    handshakeRefusals: counter(METRICS.handshakeRefusals),
    connectionsEnded: counter(METRICS.connectionsEnded),
    auditRecords: counter(METRICS.auditRecords),
    auditLost: counter(METRICS.auditLost),
    threadReplacements: counter(METRICS.threadReplacements),
    policyCompared: counter(METRICS.policyCompared),
    policyDifferences: counter(METRICS.policyDifferences),
    policyCache: counter(METRICS.policyCache),
    userTokens: counter(METRICS.userTokens),
    introspections: counter(METRICS.introspections),
    callerTokens: counter(METRICS.callerTokens),
    reloads: counter(METRICS.reloads),
    identityRefreshes: counter(METRICS.identityRefreshes),
    fetches: counter(METRICS.fetches),
    cpu: counter(METRICS.cpu),
  };
  const gauges = {
    inFlight: gauge(METRICS.inFlight),
    openConnections: gauge(METRICS.openConnections),
    breakerOpen: gauge(METRICS.breakerOpen),
    auditLag: gauge(METRICS.auditLag),
    auditDiskUsed: gauge(METRICS.auditDiskUsed),
    loopDelayP99: gauge(METRICS.loopDelayP99),
    loopDelayMax: gauge(METRICS.loopDelayMax),
    threads: gauge(METRICS.threads),
    svidExpiry: gauge(METRICS.svidExpiry),
    snapshot: gauge(METRICS.snapshot),
    revocationListEnd: gauge(METRICS.revocationListEnd),
    unsafeOptions: gauge(METRICS.unsafeOptions),
    runtime: gauge(METRICS.runtime),
    residentMemory: gauge(METRICS.residentMemory),
  };
  new AddedHistogram(registry, stages);
  // A series that appears with its first event hides that event from rate(): the short lists start at zero.
  for (const outcome of ['loaded', 'rejected']) counters.reloads.inc({ outcome }, 0);
  for (const outcome of ['verified', 'remembered', 'refused', 'missing']) counters.userTokens.inc({ outcome }, 0);
  for (const outcome of introspectionOutcomes) counters.introspections.inc({ outcome }, 0);
  for (const outcome of callerOutcomes) counters.callerTokens.inc({ outcome }, 0);
  for (const outcome of ['used', 'refused']) counters.identityRefreshes.inc({ part: 'svid', outcome }, 0);
  counters.identityRefreshes.inc({ part: 'bundle', outcome: 'refused' }, 0);
  for (const kind of ['revocation-list', 'issuer-keys', 'federated-bundle']) {
    for (const outcome of ['fetched', 'failed']) counters.fetches.inc({ kind, outcome }, 0);
  }
  for (const reason of connectionEnds) counters.connectionsEnded.inc({ reason }, 0);
  counters.workloadHandshakes.inc({ outcome: 'verified' }, 0);
  for (const outcome of ['hit', 'miss']) counters.policyCache.inc({ outcome }, 0);
  for (const reason of ['stalled', 'deadline', 'crashed']) counters.threadReplacements.inc({ reason }, 0);
  return { registry, counters, gauges, stages };
}

type Definition<L extends string> = { readonly name: string; readonly help: string; readonly labels: readonly L[] };

/** A histogram whose values come from `StageHistogram`. */
class AddedHistogram extends Histogram<'stage'> {
  readonly #stages: StageHistogram;

  constructor(registry: prom.Registry, stages: StageHistogram) {
    const { name, help, labels } = METRICS.stageSeconds;
    super({ name, help, labelNames: labels, buckets: [...STAGE_BUCKETS_SECONDS], registers: [registry] });
    this.#stages = stages;
  }

  /** Not in prom-client's types, but what both its registry and `Histogram.get` read the values by. */
  async getForPromString() {
    const { name, help } = METRICS.stageSeconds;
    return { name, help, type: 'histogram', aggregator: 'sum', values: this.#stages.values() };
  }
}

function absorbCounters(counters: Instruments['counters'], delta: MeasurementDelta): void {
  for (const [statusClass, count] of delta.upstreamResponses)
    counters.upstreamResponses.inc({ class: statusClass }, count);
  for (const [outcome, count] of delta.workloadHandshakes) counters.workloadHandshakes.inc({ outcome }, count);
  counters.handshakes.inc(delta.handshakes);
  for (const [reason, count] of delta.handshakeRefusals) counters.handshakeRefusals.inc({ reason }, count);
  for (const [reason, count] of delta.connectionsEnded) counters.connectionsEnded.inc({ reason }, count);
  counters.auditRecords.inc(delta.auditRecords);
  counters.auditLost.inc(delta.auditLost);
  for (const [outcome, count] of delta.tokens) counters.userTokens.inc({ outcome }, count);
  for (const [outcome, count] of delta.introspections) counters.introspections.inc({ outcome }, count);
  for (const [outcome, count] of delta.callers) counters.callerTokens.inc({ outcome }, count);
  counters.policyCompared.inc(delta.policy.compared);
  counters.policyDifferences.inc(delta.policy.differed);
  counters.policyCache.inc({ outcome: 'hit' }, delta.policy.cacheHits);
  counters.policyCache.inc({ outcome: 'miss' }, delta.policy.cacheMisses);
}

function absorbGauges(gauges: Instruments['gauges'], thread: string, delta: MeasurementDelta): void {
  gauges.inFlight.set({ thread }, delta.inFlight);
  gauges.openConnections.set({ thread }, delta.openConnections);
  gauges.breakerOpen.set({ thread }, delta.breakerOpen);
  gauges.auditLag.set({ thread }, delta.auditLagMs / 1000);
  gauges.loopDelayP99.set({ thread }, delta.eventLoop.p99Ms / 1000);
  gauges.loopDelayMax.set({ thread }, delta.eventLoop.maxMs / 1000);
}

function perThread(gauges: Instruments['gauges']) {
  return [
    gauges.inFlight,
    gauges.openConnections,
    gauges.breakerOpen,
    gauges.auditLag,
    gauges.loopDelayP99,
    gauges.loopDelayMax,
  ];
}
