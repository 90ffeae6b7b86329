import type { SpiffeId, TrustDomain } from '../../spiffe-id.ts';
import type { TrustBundleData } from '../../trust-bundle.ts';
import type { X509SVIDResponse } from '../../workload-api/proto/workload_pb.ts';
import { audience } from '../audience.ts';
import { createComplaints } from '../complaints.ts';
import type { IdentityEvent } from '../events.ts';
import { isSameSvid } from '../own-svid.ts';
import { afterDelay, type Schedule } from '../schedule.ts';
import type { SvidMaterial, SvidSource } from '../svid-source.ts';
import type { Endpoint } from './endpoint.ts';
import { followSvids } from './follow.ts';
import { type Judged, judgeResponse } from './judge.ts';

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

/** What is refused may become good by time alone: an SVID whose issuer's clock is ahead. */
const judgeAgainMs = 30_000;

/**
 * An SVID and trust bundles that an agent pushes. What is not good is never published: what is in use stays, and its owner
 * is told why. The bundles do not wait for the SVID. Waits for the agent, however long it takes; rejects when `stop` says so.
 */
export async function workloadApiSource(options: WorkloadApiSourceOptions): Promise<WorkloadApiSource> {
  const { spiffeId, overdueShare, now, onEvent, stop, random = Math.random, schedule = afterDelay } = options;
  const { subscribe, tell, forget } = audience();
  const trustWatchers = new Set<() => void>();
  const first = Promise.withResolvers<Held>();
  let held: Held | undefined;
  const aboutStream = createComplaints(onEvent, () => held?.svid);
  const aboutContent = createComplaints(onEvent, () => held?.svid);
  const publish = (svid: SvidMaterial, previous: SvidMaterial) => {
    const { serial, notAfterMs } = svid;
    onEvent?.({ type: 'identity.rotate', spiffeId, previousSerial: previous.serial, serial, notAfterMs });
    tell(svid);
  };
  const use = (next: Held, before: Held | undefined) => {
    held = next;
    if (before === undefined) return first.resolve(next);
    if (JSON.stringify(next.trust) !== JSON.stringify(before.trust)) for (const changed of trustWatchers) changed();
    if (next.svid !== before.svid) publish(next.svid, before.svid);
  };
  let doNotJudgeAgain = () => {};
  const received = (response: X509SVIDResponse | undefined) => {
    doNotJudgeAgain();
    const judged = judgeResponse(response, { ...options, nowMs: now(), trustInForce: held?.trust });
    const { complaints } = judged;
    const next = nextOf(held, judged);
    if (next !== undefined) use(next, held);
    aboutStream.tell([]);
    aboutContent.tell(complaints);
    if (complaints.length > 0) doNotJudgeAgain = schedule(judgeAgainMs, () => received(response));
  };
  const hangUp = followSvids({
    ...options,
    received,
    // An agent that is restarted is back at the second attempt.
    lost: ({ code, message }, failures) => {
      if (held === undefined || failures > 1) aboutStream.tell([{ about: 'svid', code, message }]);
    },
    random,
    schedule,
  });
  const close = () => {
    hangUp();
    doNotJudgeAgain();
    forget();
    trustWatchers.clear();
  };
  const current = await untilFirst(first, stop).catch((why: unknown) => {
    close();
    throw why;
  });
  const inUse = () => held ?? current;
  return {
    current: () => inUse().svid,
    overdueFromMs: () => {
      const { notBeforeMs, notAfterMs } = inUse().svid;
      return notBeforeMs + (notAfterMs - notBeforeMs) * overdueShare;
    },
    trust: () => inUse().trust,
    watchTrust: (changed) => {
      const watcher = () => changed();
      trustWatchers.add(watcher);
      return () => void trustWatchers.delete(watcher);
    },
    subscribe,
    close,
  };
}

type Held = { readonly svid: SvidMaterial; readonly trust: TrustBundleData };

/** Undefined until there is a whole identity. The same SVID again stays the one that is in use. */
function nextOf(before: Held | undefined, given: Judged): Held | undefined {
  const { svid = before?.svid, trust = before?.trust } = given;
  if (svid === undefined || trust === undefined) return undefined;
  return { svid: before !== undefined && isSameSvid(svid, before.svid) ? before.svid : svid, trust };
}

async function untilFirst(
  { promise, reject }: PromiseWithResolvers<Held>,
  stop: AbortSignal | undefined,
): Promise<Held> {
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
