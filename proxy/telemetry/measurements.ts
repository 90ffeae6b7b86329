import type { CallerOutcome } from '../caller/find-caller.ts';
import type { DenialCode } from '../denial.ts';
import type { CountToken, TokenOutcome } from '../filters/user.ts';
import type { CountIntrospection, IntrospectionOutcome } from '../user/introspection.ts';
import { STAGE_BUCKETS_SECONDS } from './definitions.ts';
import type { EventLoopDelay, EventLoopWatch } from './event-loop.ts';
import { boundedTo, type Vocabulary } from './vocabulary.ts';

export type PolicyCounts = {
  /** Decisions that both engines made. */
  readonly compared: number;
  readonly differed: number;
  readonly cacheHits: number;
  readonly cacheMisses: number;
};

/** Why the proxy ended a connection that was open. */
export const connectionEnds = [
  'expired',
  'revoked',
  'untrusted',
  'max-age',
  'own-svid-replaced',
  'empty-records',
  'http2-violation',
] as const;
export type ConnectionEnd = (typeof connectionEnds)[number];

/** What a thread counted since its last report, and its gauges as they stand. Plain data: it crosses threads. */
export type MeasurementDelta = {
  /** Route, refusal code or `ok`, how many. */
  readonly requests: readonly (readonly [string, DenialCode | 'ok', number])[];
  /** Stage, how many in each bucket (the last one has no upper bound), sum. */
  readonly stages: readonly (readonly [string, readonly number[], number])[];
  /** Class of status, how many. */
  readonly upstreamResponses: readonly (readonly [string, number])[];
  /** Outcome, how many. */
  readonly workloadHandshakes: readonly (readonly [string, number])[];
  readonly handshakes: number;
  readonly handshakeRefusals: readonly (readonly [string, number])[];
  readonly connectionsEnded: readonly (readonly [ConnectionEnd, number])[];
  readonly auditRecords: number;
  readonly auditLost: number;
  readonly policy: PolicyCounts;
  readonly tokens: readonly (readonly [TokenOutcome, number])[];
  readonly introspections: readonly (readonly [IntrospectionOutcome, number])[];
  readonly callers: readonly (readonly [CallerOutcome, number])[];
  /** Names of issuers of whom tokens named keys that are not there. */
  readonly unknownKeysOf: readonly string[];
  readonly auditLagMs: number;
  readonly openConnections: number;
  readonly inFlight: number;
  readonly breakerOpen: number;
  readonly eventLoop: EventLoopDelay;
};

/** The counters of one data thread: additions to plain values, no library, nothing shared. */
export type Measurements = {
  readonly request: (route: string | undefined, refusal: DenialCode | undefined) => void;
  readonly stage: (stage: string, milliseconds: number) => void;
  readonly upstreamResponse: (status: number) => void;
  /** Of those that we begin: without a reason it was verified who is at the other end. */
  readonly workloadHandshake: (refused: string | undefined) => void;
  readonly handshakeAccepted: () => void;
  readonly handshakeRefused: (reason: string) => void;
  readonly connectionEnded: (reason: ConnectionEnd) => void;
  readonly auditWritten: (records: number) => void;
  readonly auditLost: (records: number) => void;
  readonly auditLag: (milliseconds: number) => void;
  readonly policy: (event: keyof PolicyCounts) => void;
  readonly token: CountToken;
  readonly introspection: CountIntrospection;
  readonly caller: (outcome: CallerOutcome) => void;
  readonly connectionOpened: () => void;
  readonly connectionClosed: () => void;
  readonly requestStarted: () => void;
  readonly requestEnded: () => void;
  readonly breakerOpen: (open: boolean) => void;
  /** After a reload: names of the new snapshot. */
  readonly setVocabulary: (vocabulary: Vocabulary) => void;
  /** Answers what was counted and begins anew. */
  readonly drain: () => MeasurementDelta;
};

type Stage = { readonly buckets: number[]; sumMs: number };

const BOUNDS_MS = STAGE_BUCKETS_SECONDS.map((seconds) => seconds * 1000);

const newCounts = () => ({
  requests: new Map<string, Map<DenialCode | 'ok', number>>(),
  stages: new Map<string, Stage>(),
  upstreamResponses: new Map<string, number>(),
  workloadHandshakes: new Map<string, number>(),
  handshakes: 0,
  handshakeRefusals: new Map<string, number>(),
  connectionsEnded: new Map<ConnectionEnd, number>(),
  auditRecords: 0,
  auditLost: 0,
  policy: { compared: 0, differed: 0, cacheHits: 0, cacheMisses: 0 },
  tokens: new Map<TokenOutcome, number>(),
  introspections: new Map<IntrospectionOutcome, number>(),
  callers: new Map<CallerOutcome, number>(),
  unknownKeysOf: new Set<string>(),
});

export function createMeasurements(initial: Vocabulary, eventLoop: Pick<EventLoopWatch, 'read'>): Measurements {
  let bounded = boundAll(initial);
  let counts = newCounts();
  const gauges = { openConnections: 0, inFlight: 0, auditLagMs: 0, breakerOpen: 0 };
  return {
    request: (route, refusal) => countRequest(counts.requests, bounded.route(route), refusal ?? 'ok'),
    stage: (stage, milliseconds) => observe(counts.stages, bounded.stage(stage), milliseconds),
    upstreamResponse: (status) => add(counts.upstreamResponses, statusClass(status)),
    workloadHandshake: (refused) =>
      add(counts.workloadHandshakes, refused === undefined ? 'verified' : bounded.reason(refused)),
    handshakeAccepted: () => void (counts.handshakes += 1),
    handshakeRefused: (reason) => add(counts.handshakeRefusals, bounded.reason(reason)),
    connectionEnded: (reason) => add(counts.connectionsEnded, reason),
    auditWritten: (records) => void (counts.auditRecords += records),
    auditLost: (records) => void (counts.auditLost += records),
    auditLag: (milliseconds) => void (gauges.auditLagMs = milliseconds),
    policy: (event) => void (counts.policy[event] += 1),
    introspection: (outcome) => add(counts.introspections, outcome),
    caller: (outcome) => add(counts.callers, outcome),
    token: (outcome, unknownKeyOf) => {
      add(counts.tokens, outcome);
      if (unknownKeyOf !== undefined) counts.unknownKeysOf.add(unknownKeyOf);
    },
    connectionOpened: () => void (gauges.openConnections += 1),
    connectionClosed: () => void (gauges.openConnections -= 1),
    requestStarted: () => void (gauges.inFlight += 1),
    requestEnded: () => void (gauges.inFlight -= 1),
    breakerOpen: (open) => void (gauges.breakerOpen = open ? 1 : 0),
    setVocabulary: (vocabulary) => void (bounded = boundAll(vocabulary)),
    drain: () => {
      const drained = counts;
      counts = newCounts();
      return {
        ...drained,
        ...gauges,
        requests: [...drained.requests].flatMap(([route, codes]) =>
          [...codes].map(([code, count]) => [route, code, count] as const),
        ),
        stages: [...drained.stages].map(([stage, { buckets, sumMs }]) => [stage, buckets, sumMs / 1000] as const),
        upstreamResponses: [...drained.upstreamResponses],
        workloadHandshakes: [...drained.workloadHandshakes],
        tokens: [...drained.tokens],
        introspections: [...drained.introspections],
        callers: [...drained.callers],
        unknownKeysOf: [...drained.unknownKeysOf],
        handshakeRefusals: [...drained.handshakeRefusals],
        connectionsEnded: [...drained.connectionsEnded],
        eventLoop: eventLoop.read(),
      };
    },
  };
}

function boundAll(vocabulary: Vocabulary) {
  return {
    route: boundedTo(vocabulary.routes),
    stage: boundedTo(vocabulary.stages),
    reason: boundedTo(vocabulary.handshakeReasons),
  };
}

function countRequest(
  requests: Map<string, Map<DenialCode | 'ok', number>>,
  route: string,
  code: DenialCode | 'ok',
): void {
  let codes = requests.get(route);
  if (codes === undefined) requests.set(route, (codes = new Map()));
  add(codes, code);
}

function observe(stages: Map<string, Stage>, name: string, milliseconds: number): void {
  let stage = stages.get(name);
  if (stage === undefined) stages.set(name, (stage = { buckets: Array(BOUNDS_MS.length + 1).fill(0), sumMs: 0 }));
  let bucket = 0;
  while (bucket < BOUNDS_MS.length && milliseconds > (BOUNDS_MS[bucket] ?? 0)) bucket += 1;
  stage.buckets[bucket] = (stage.buckets[bucket] ?? 0) + 1;
  stage.sumMs += milliseconds;
}

function statusClass(status: number): string {
  return status >= 200 && status < 600 ? `${Math.floor(status / 100)}xx` : 'other';
}

function add<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
