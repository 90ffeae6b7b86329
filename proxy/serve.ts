import type { AuditStream } from './audit/stream.ts';
import type { Clock } from './clock.ts';
import { type Denial, type DenialCode, deny, denialStatus, isDenial } from './denial.ts';
import type { Accepted, ConnectionFacts } from './exchange.ts';
import type { AnswerSink, WireRequest } from './transport.ts';
import { type Ending, exchangeRecord, type KnownFacts } from './exchange-record.ts';
import type { Answer } from './filters/inspect.ts';
import type { Pipeline, Served } from './pipeline.ts';
import { relay } from './relay.ts';
import { startDenial } from './respond.ts';
import type { Snapshot } from './snapshot.ts';
import type { Log } from './telemetry/log.ts';
import type { Measurements } from './telemetry/measurements.ts';

export type ServeParts = {
  readonly pipeline: Pipeline;
  readonly audit: Pick<AuditStream, 'commit' | 'state'>;
  readonly measurements: Measurements;
  readonly clock: Clock;
  readonly log: Log;
  readonly snapshot: () => Snapshot;
  readonly newId: () => string;
};

/**
 * Runs one exchange from its first byte to its record. The audit wraps everything: refusals, aborts and bugs leave their
 * one record too, and under `audit.mode: required` nobody gets a complete answer before it is written.
 */
export async function serve(parts: ServeParts, connection: ConnectionFacts, wire: WireRequest): Promise<void> {
  const { measurements } = parts;
  const facts = accept(parts, connection, wire);
  measurements.requestStarted();
  try {
    // Awaiting what is there already would cost a turn of the microtask queue for each step.
    const judged = judge(parts, wire, facts);
    const outcome = judged instanceof Promise ? await judged : judged;
    await (isDenial(outcome) ? refuse(parts, wire.answer, facts, outcome) : answer(parts, wire.answer, outcome));
  } catch (cause) {
    // Nothing is left that could answer: break off rather than let a half-known exchange look whole.
    reportBug(parts, facts, cause);
    wire.answer.abort();
  } finally {
    giveBack(facts);
    measurements.requestEnded();
  }
}

function reportBug({ log }: ServeParts, { id }: Accepted, cause: unknown): void {
  log.error('exchange.bug', { id, cause: cause instanceof Error ? cause : String(cause) });
}

/**
 * Gives back what the exchange held, once. Before the last byte of its answer leaves: a client that has it may ask again
 * at once, on a connection to another thread, and must not meet the place it still holds itself.
 */
function giveBack({ atEnd }: Accepted): void {
  for (const end of atEnd.splice(0)) end();
}

function accept({ clock, snapshot, newId }: ServeParts, connection: ConnectionFacts, wire: WireRequest): Accepted {
  const { head, line, body } = wire;
  return {
    id: newId(),
    receivedMs: clock.nowMs(),
    beganNs: clock.monotonicNs(),
    number: wire.number,
    method: line?.method ?? '',
    target: line?.target ?? '',
    headers: isDenial(head) ? [] : head.headers,
    incoming: body,
    bytesIn: () => body?.receivedBytes ?? 0,
    connection,
    snapshot: snapshot(),
    sent: { toWorkload: false },
    departure: wire.departure,
    atEnd: [],
  };
}

function judge(parts: ServeParts, { head }: WireRequest, facts: Accepted): ReturnType<Pipeline['run']> {
  if (isDenial(head)) return head;
  const { mode } = facts.snapshot.config.audit;
  if (mode === 'required' && parts.audit.state === 'failed') return deny('audit-unavailable');
  const failed = (cause: unknown) => {
    reportBug(parts, facts, cause);
    return deny('internal-error');
  };
  try {
    const judged = parts.pipeline.run(facts, parts.measurements.stage, parts.clock.monotonicMs);
    return judged instanceof Promise ? judged.catch(failed) : judged;
  } catch (cause) {
    return failed(cause);
  }
}

async function refuse(parts: ServeParts, sink: AnswerSink, facts: KnownFacts, denial: Denial): Promise<void> {
  const { code } = denial;
  const count = (answered: DenialCode) => parts.measurements.request(facts.route?.config.name, answered);
  if (code === 'client-aborted' || code === 'drain-timeout') {
    count(code);
    await record(parts, facts, { denial, status: undefined, bytesOut: 0, aborted: brokenOffBy[code] ?? 'proxy' });
    return sink.abort();
  }
  const body = startDenial(sink, denial, problemContext(parts, facts));
  const ending = { denial, status: denialStatus(denial), bytesOut: body?.length ?? 0 };
  const recorded = await record(parts, facts, ending);
  giveBack(facts);
  count(recorded ? code : 'audit-unavailable');
  if (recorded) return sink.end(body);
  sink.end(startDenial(sink, deny('audit-unavailable'), problemContext(parts, facts)));
}

function problemContext({ clock }: ServeParts, { id, connection, snapshot, method }: KnownFacts) {
  const explain = snapshot.config.explainTo.includes(connection.peer.spiffeId);
  return { id, nowMs: clock.nowMs(), explain, bodiless: method === 'HEAD' };
}

async function answer(parts: ServeParts, sink: AnswerSink, facts: Served): Promise<void> {
  const { answer: whole, permit, id } = facts;
  parts.measurements.upstreamResponse(whole.status);
  const headers = [...whole.headers, ...permit.obligations.responseHeaders, 'x-portcullis-id', id];
  sink.head(whole.status, headers, whole.framing, false);
  const way = relay(whole, sink, facts.departure);
  const relayed = way instanceof Promise ? await way : way;
  if (relayed.kind === 'complete') return complete(parts, sink, facts, relayed.last, relayed.bytesOut);
  if (!sink.started) return refuse(parts, sink, facts, relayed.denial);
  parts.measurements.request(facts.route.config.name, relayed.denial.code);
  const { denial } = relayed;
  await record(parts, facts, {
    denial,
    status: whole.status,
    bytesOut: sink.bytesOut,
    aborted: brokenOffBy[denial.code] ?? 'proxy',
  });
  sink.abort();
}

async function complete(
  parts: ServeParts,
  sink: AnswerSink,
  facts: Served & { readonly answer: Answer },
  last: Buffer | undefined,
  bytesOut: number,
): Promise<void> {
  const recorded = await record(parts, facts, { denial: undefined, status: facts.answer.status, bytesOut });
  giveBack(facts);
  parts.measurements.request(facts.route.config.name, recorded ? undefined : 'audit-unavailable');
  if (recorded) return sink.end(last);
  if (sink.started) sink.abort();
  else sink.end(startDenial(sink, deny('audit-unavailable'), problemContext(parts, facts)));
}

/** Which end broke an answer off; for every other reason it was we who did. */
const brokenOffBy: Partial<Record<DenialCode, 'client' | 'workload'>> = {
  'client-aborted': 'client',
  'upstream-reset': 'workload',
  'upstream-malformed': 'workload',
};

/** @returns whether the answer may be completed */
function record({ audit, clock }: ServeParts, facts: KnownFacts, ending: Omit<Ending, 'endedNs'>): Promise<boolean> {
  const event = exchangeRecord(facts, { ...ending, endedNs: clock.monotonicNs() });
  const { mode } = facts.snapshot.config.audit;
  return audit.commit(event).then((result) => result === 'written' || mode === 'best-effort');
}
