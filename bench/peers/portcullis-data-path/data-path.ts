import { randomUUID } from 'node:crypto';
import { Chain } from '../../../proxy/chain.ts';
import type { Clock } from '../../../proxy/clock.ts';
import { type Denial, deny, isDenial } from '../../../proxy/denial.ts';
import type { Accepted, ConnectionFacts } from '../../../proxy/exchange.ts';
import { type Identified, identity } from '../../../proxy/filters/identity.ts';
import { type Normalised, normalise } from '../../../proxy/filters/normalise.ts';
import { type Relayed, relay } from '../../../proxy/relay.ts';
import { startDenial } from '../../../proxy/respond.ts';
import { accept } from '../../../proxy/serve.ts';
import type { Snapshot } from '../../../proxy/snapshot.ts';
import type { AnswerSink, WireRequest } from '../../../proxy/transport.ts';
import { identityHeaders } from '../../../proxy/upstream/identity-headers.ts';
import { WorkloadExchange, type WorkloadRequest } from '../../../proxy/upstream/workload-exchange.ts';
import type { WorkloadResponse } from '../../../proxy/upstream/workload-response.ts';

type Facts = Accepted & Identified & Normalised;

/**
 * One exchange, in the order of `proxy/serve.ts` and `proxy/pipeline.ts`: identity, normalising with the route, the way to the workload and
 * back. Between the second and the third the product counts, validates and decides, and behind the last it writes its record.
 */
export function createDataPath(snapshot: Snapshot, ownNotAfterMs: number, clock: Clock) {
  const filters = Chain.from<Accepted>()
    .use(
      identity(
        () => ownNotAfterMs,
        () => undefined,
      ),
    )
    .use(normalise);
  const begun = { clock, snapshot: () => snapshot, newId: randomUUID };
  return async (connection: ConnectionFacts, wire: WireRequest): Promise<void> => {
    const { head } = wire;
    const facts = accept(begun, connection, wire);
    const run = isDenial(head) ? head : filters.run(facts);
    const judged = run instanceof Promise ? await run : run;
    if (isDenial(judged)) return refuse(wire.answer, facts, judged, clock);
    const outcome = await send(judged);
    return isDenial(outcome) ? refuse(wire.answer, facts, outcome, clock) : answer(wire.answer, judged, outcome, clock);
  };
}

/**
 * The product's way to the workload, entered behind `forward`, which sends nothing without the Permit of a policy: this program has
 * none, and so no obligations either. Bodies are passed on as they come.
 */
function send(facts: Facts): Promise<WorkloadResponse | Denial> {
  const { request, route, incoming, departure, snapshot } = facts;
  const { body: rule } = route.config;
  if (incoming !== undefined && rule.kind !== 'stream') return Promise.resolve(deny('unexpected-body'));
  return new Promise((resolve) => {
    const outgoing: WorkloadRequest = {
      method: request.method,
      target: request.target,
      authority: request.authority,
      headers: request.headers,
      lines: `${identityHeaders(facts).lines}x-portcullis-id: ${facts.id}\r\n`,
      body: incoming && rule.kind === 'stream' ? { source: incoming, maxBytes: rule.maxBytes } : undefined,
    };
    const sent = () => void (facts.sent.to = snapshot.config.workload);
    const exchange = new WorkloadExchange(outgoing, snapshot.config.workload, { sent, settled: resolve });
    departure.listen((cause) => exchange.cancel(cause));
    snapshot.pool.dispatch(exchange, route.config.timeoutMs);
  });
}

function answer(sink: AnswerSink, facts: Facts, response: WorkloadResponse, clock: Clock): void {
  const headers = response.headers.slice();
  headers.push('x-portcullis-id', facts.id);
  sink.head(response.status, headers, response.framing, false);
  const conclude = (relayed: Relayed) => {
    if (relayed.kind === 'complete') sink.end(relayed.last);
    else if (sink.started) sink.abort();
    else refuse(sink, facts, relayed.denial, clock);
  };
  const way = relay(response, sink, facts, clock.monotonicNs);
  if (way instanceof Promise) void way.then(conclude);
  else conclude(way);
}

function refuse(sink: AnswerSink, { id, method }: Accepted, denial: Denial, clock: Clock): void {
  if (denial.code === 'client-aborted') return sink.abort();
  sink.end(startDenial(sink, denial, { id, nowMs: clock.nowMs(), explain: false, bodiless: method === 'HEAD' }));
}
