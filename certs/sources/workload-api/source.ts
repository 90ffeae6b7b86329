import type { Algorithms } from '../../approved.ts';
import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import type { TrustBundleData } from '../../trust-bundle.ts';
import type { X509SVIDResponse } from '../../workload-api/proto/workload_pb.ts';
import { createComplaints } from '../complaints.ts';
import type { IdentityEvent } from '../events.ts';
import { afterDelay, type Schedule } from '../schedule.ts';
import type { SvidSource } from '../svid-source.ts';
import { fetchX509Svids, type StreamEnd } from './connect.ts';
import type { Endpoint } from './endpoint.ts';
import { followAgent } from './follow.ts';
import { createInUse, type InUse, type WholeIdentity } from './in-use.ts';
import { judgeResponse } from './judge.ts';

export type WorkloadApiSourceOptions = {
  readonly endpoint: Endpoint;
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  /** Chooses among SVIDs with the same SPIFFE ID. */
  readonly hint: string | undefined;
  /** Foreign trust domains whose bundles are used. */
  readonly federation: readonly TrustDomain[];
  /** After which share of its life an SVID without a successor is warned of. */
  readonly overdueShare: number;
  /** Of the SVID and its issuers; `strong` unless it is given. */
  readonly algorithms?: Algorithms | undefined;
  readonly now: () => number;
  readonly onEvent?: (event: IdentityEvent) => void;
  /** Ends the wait for the first SVID. */
  readonly stop?: AbortSignal;
  /** From 0 up to 1. */
  readonly random?: () => number;
  readonly schedule?: Schedule;
};

export type WorkloadApiSource = SvidSource & {
  /** The newest bundles that were good. */
  readonly trust: () => TrustBundleData;
  readonly watchTrust: (changed: () => void) => () => void;
};

/**
 * An SVID and trust bundles that an agent pushes. What is not good is never published: what is in use stays, and its owner
 * is told why. The bundles do not wait for the SVID. Waits for the agent, however long it takes; rejects when `stop` says so.
 */
export async function workloadApiSource(options: WorkloadApiSourceOptions): Promise<WorkloadApiSource> {
  const { spiffeId, overdueShare, onEvent, stop } = options;
  const first = Promise.withResolvers<WholeIdentity>();
  const inUse = createInUse(spiffeId, first.resolve, onEvent);
  const hangUp = listen(options, inUse);
  const close = () => {
    hangUp();
    inUse.forget();
  };
  const begun = await untilFirst(first, stop).catch((why: unknown) => {
    close();
    throw why;
  });
  const current = () => (inUse.current() ?? begun).svid;
  return {
    current,
    overdueFromMs: () => current().notBeforeMs + (current().notAfterMs - current().notBeforeMs) * overdueShare,
    trust: () => (inUse.current() ?? begun).trust,
    watchTrust: inUse.watchTrust,
    subscribe: inUse.subscribe,
    close,
  };
}

/** What is refused may become good by time alone: an SVID whose issuer's clock is ahead. */
const judgeAgainMs = 30_000;

/** Judges each message, uses what is good of it, and tells of the rest. Returns how to stop. */
function listen(options: WorkloadApiSourceOptions, { current, use }: InUse): () => void {
  const { now, onEvent, random = Math.random, schedule = afterDelay } = options;
  const aboutStream = createComplaints(onEvent, () => current()?.svid);
  const aboutContent = createComplaints(onEvent, () => current()?.svid);
  let doNotJudgeAgain = () => {};
  const received = (response: X509SVIDResponse | undefined) => {
    doNotJudgeAgain();
    const judged = judgeResponse(response, { ...options, nowMs: now(), trustInForce: current()?.trust });
    use(judged);
    aboutStream.tell([]);
    aboutContent.tell(judged.complaints);
    if (judged.complaints.length > 0) doNotJudgeAgain = schedule(judgeAgainMs, () => received(response));
  };
  // An agent that is restarted is back at the second attempt.
  const lost = ({ code, message }: StreamEnd, failures: number) => {
    if (current() === undefined || failures > 1) aboutStream.tell([{ about: 'svid', code, message }]);
  };
  const hangUp = followAgent({ ...options, ask: fetchX509Svids, received, lost, random, schedule });
  return () => {
    hangUp();
    doNotJudgeAgain();
  };
}

async function untilFirst(
  { promise, reject }: PromiseWithResolvers<WholeIdentity>,
  stop: AbortSignal | undefined,
): Promise<WholeIdentity> {
  const abort = () => reject(stop?.reason);
  if (stop?.aborted) abort();
  stop?.addEventListener('abort', abort, { once: true });
  // Neither a timer here nor a socket that is not there keeps the process, which has nothing else to do yet.
  const awake = setInterval(() => undefined, judgeAgainMs);
  try {
    return await promise;
  } finally {
    clearInterval(awake);
    stop?.removeEventListener('abort', abort);
  }
}
