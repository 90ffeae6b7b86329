import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Filter } from '../chain.ts';
import { abortCause, type Denial, deny } from '../denial.ts';
import type { Accepted } from '../exchange.ts';
import type { HeaderList } from '../header-list.ts';
import type { Authorized } from '../filters/authorize.ts';
import type { Identified } from '../filters/identity.ts';
import type { Normalised } from '../filters/normalise.ts';
import type { Validated } from '../filters/validate.ts';
import { fold } from '../normalise/headers.ts';
import { identityHeaders } from './identity-headers.ts';
import { requestStream } from './request-stream.ts';
import { WorkloadExchange } from './workload-exchange.ts';
import type { WorkloadResponse } from './workload-response.ts';

export type Forwarded = { readonly response: WorkloadResponse };

/** What forwarding demands. Without `Authorized`, whose Permit only the policy filter can make, it does not compile. */
export type Forwardable = Accepted & Identified & Normalised & Validated & Authorized;

/** Sends what was judged, byte for byte, and answers as soon as the head of a clean response is here. */
export function forward(nowNs: () => bigint): Filter<Forwardable, Forwarded> {
  return {
    name: 'forward',
    apply: async (facts) => {
      // Whoever left while the policy was asked must not make the workload act.
      if (facts.signal.aborted) return abortCause(facts.signal);
      const leftMs = facts.route.config.timeoutMs - Number(nowNs() - facts.beganNs) / 1e6;
      const response = await send(facts, leftMs);
      return 'code' in response ? response : { response };
    },
  };
}

function send(facts: Forwardable, leftMs: number): Promise<WorkloadResponse | Denial> {
  const { request, permit, signal, snapshot, atEnd } = facts;
  const { workload } = snapshot.config;
  const path = permit.obligations.target ?? request.target;
  return new Promise((resolve) => {
    const detail = 'the response was not complete within the time of the route';
    const timer = setTimeout(() => exchange.cancel(deny('upstream-timeout', { detail })), Math.max(1, leftMs));
    // Not when the head is here: a workload that stops inside its body would hold the exchange for as long as it likes.
    atEnd.push(() => clearTimeout(timer));
    const rules = {
      method: request.method,
      maxResponseBytes: workload.maxResponseBytes,
      closeDelimited: workload.unsafeCloseDelimited,
    };
    const exchange = new WorkloadExchange(rules, () => (facts.sent.toWorkload = true), resolve);
    signal.addEventListener('abort', () => exchange.cancel(abortCause(signal)), { once: true });
    const { headers, body } = outgoing(facts, (denial) => exchange.cancel(denial));
    snapshot.pool.dispatch(
      { method: request.method as Dispatcher.HttpMethod, path, headers: [...headers], body },
      exchange,
    );
  });
}

type Outgoing = { readonly headers: HeaderList; readonly body: Buffer | Readable | null };

/** Every body is framed explicitly, whatever the method: an unframed one would be the next request (THREATS 1.7). */
function outgoing(facts: Forwardable, failed: (denial: Denial) => void): Outgoing {
  const { body } = facts;
  const headers = outgoingHeaders(facts);
  if (body.kind === 'none') return { headers, body: null };
  if (body.kind === 'validated')
    return { headers: [...headers, 'content-length', String(body.bytes.length)], body: body.bytes };
  const { declaredBytes } = body.source;
  const framing = declaredBytes === undefined ? [] : ['content-length', String(declaredBytes)];
  return { headers: [...headers, ...framing], body: requestStream(body.source, body.maxBytes, failed) };
}

/** What policy sets or removes is gone in every spelling that a workload could take for it (CVE-2026-54763 class). */
function outgoingHeaders({ id, request, permit, ...facts }: Forwardable): HeaderList {
  const { requestHeaders, removedHeaders } = permit.obligations;
  const dropped = new Set([...removedHeaders].map(fold));
  for (let index = 0; index < requestHeaders.length; index += 2) dropped.add(fold(requestHeaders[index] ?? ''));
  const headers: string[] = ['host', request.authority];
  for (let index = 0; index < request.headers.length; index += 2) {
    const name = request.headers[index] ?? '';
    if (dropped.size === 0 || !dropped.has(fold(name))) headers.push(name, request.headers[index + 1] ?? '');
  }
  return [...headers, ...requestHeaders, ...identityHeaders(facts), 'x-portcullis-id', id];
}
