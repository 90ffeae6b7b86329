import type { SpiffeId } from '../../certs/spiffe-id.ts';
import type { Filter } from '../chain.ts';
import { type Denial, deny, isDenial } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import type { Authorized } from '../filters/authorize.ts';
import type { Identified } from '../filters/identity.ts';
import type { Normalised } from '../filters/normalise.ts';
import type { ExchangeBody, Validated } from '../filters/validate.ts';
import { fieldName } from '../normalise/field-name.ts';
import { timeLeftMs } from '../time-left.ts';
import { type Pass, verdictOn } from './breaker.ts';
import { identityHeaders } from './identity-headers.ts';
import type { WorkloadPool } from './pool.ts';
import { WorkloadExchange, type WorkloadRequest } from './workload-exchange.ts';
import type { WorkloadResponse } from './workload-response.ts';

export type Forwarded = { readonly response: WorkloadResponse };

/** What forwarding demands. Without `Authorized`, whose Permit only the policy filter can make, it does not compile. */
export type Forwardable = Accepted & Identified & Normalised & Validated & Authorized;

/** Sends what was judged, byte for byte, and answers as soon as the head of a clean response is here. */
export function forward(nowNs: () => bigint): Filter<Forwardable, Forwarded> {
  return {
    name: 'forward',
    add: (facts, { response }) => void (facts.response = response),
    apply: (facts) => {
      // Whoever left while the policy was asked must not make the workload act.
      if (facts.departure.cause !== undefined) return facts.departure.cause;
      const leftMs = timeLeftMs(facts, nowNs);
      if (leftMs <= 0) return tooLate(facts.body);
      const way = wayTo(facts.snapshot.pool);
      return isDenial(way) ? way : send(facts, leftMs, nowNs, way);
    },
  };
}

/** The workload must not act on what will be answered as failed. A body that was waited for is what has taken the time. */
function tooLate({ kind }: ExchangeBody): Denial {
  const detail = 'the time of the route was over before the request could be sent';
  return deny(kind === 'validated' ? 'request-timeout' : 'upstream-timeout', { detail });
}

type Way = { readonly pool: WorkloadPool; readonly pass: Pass };

/** To the standby while the workload is left alone. */
function wayTo(pool: WorkloadPool): Way | Denial {
  const pass = pool.breaker.admit();
  if (typeof pass === 'function') return { pool, pass };
  return pool.standby === undefined ? pass : wayTo(pool.standby);
}

function send(
  facts: Forwardable,
  leftMs: number,
  nowNs: () => bigint,
  { pool, pass }: Way,
): Promise<Forwarded | Denial> {
  const { request, permit, departure } = facts;
  return new Promise((resolve) => {
    const target = permit.obligations.target ?? request.target;
    const outgoing = {
      method: request.method,
      target,
      authority: request.authority,
      headers: outgoingHeaders(facts),
      // One text for all requests of a connection: to put it together anew takes longer than the rest of a head.
      lines: `${identityHeaders(facts).lines}x-portcullis-id: ${facts.id}\r\n`,
      body: outgoingBody(facts.body),
    };
    let hadMs = 0;
    const sent = (workload: SpiffeId | undefined) => {
      hadMs = timeLeftMs(facts, nowNs);
      facts.sent.to = pool.workload;
      facts.sent.workload = workload;
    };
    const settled = (outcome: WorkloadResponse | Denial) => {
      const failed = 'code' in outcome;
      pass(verdictOn(failed ? outcome.code : undefined, hadItsTime(facts, hadMs)));
      resolve(failed ? outcome : { response: outcome });
    };
    const exchange = new WorkloadExchange(outgoing, pool.workload, { sent, settled });
    departure.listen((cause) => exchange.cancel(cause));
    // Not only for the head: a workload that stops inside its body would hold the exchange for as long as it likes.
    pool.dispatch(exchange, leftMs);
  });
}

/** A body that is streamed ends when the client likes; one that was waited for, or the queue, may have left the workload next to nothing. */
function hadItsTime({ sent, body, route }: Forwardable, hadMs: number): boolean {
  return sent.to !== undefined && body.kind !== 'streamed' && hadMs >= route.config.timeoutMs / 2;
}

function outgoingBody(body: ExchangeBody): WorkloadRequest['body'] {
  switch (body.kind) {
    case 'none':
      return undefined;
    case 'validated':
      // Of a body of empty objects it takes twenty times what `limits.max_held` counts, and the workload may take its time.
      body.value = undefined;
      return body.bytes;
    case 'streamed':
      return body;
  }
}

/** What policy sets or removes is gone in every spelling that a workload could take for it (CVE-2026-54763 class). */
function outgoingHeaders({ request, permit }: Forwardable): HeaderList {
  const { requestHeaders, removedHeaders } = permit.obligations;
  if (removedHeaders.size + requestHeaders.length === 0) return request.headers;
  const dropped: string[] = [];
  for (const name of removedHeaders) dropped.push(fieldName(name).folded);
  for (let index = 0; index < requestHeaders.length; index += 2) {
    dropped.push(fieldName(requestHeaders[index] as string).folded);
  }
  const headers: string[] = [];
  for (let index = 0; index < request.headers.length; index += 2) {
    const name = request.headers[index] as string;
    if (!dropped.includes(fieldName(name).folded)) headers.push(name, request.headers[index + 1] as string);
  }
  for (const part of requestHeaders) headers.push(part);
  return headers;
}
