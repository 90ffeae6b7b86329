import { type Lane, type LaneUser, nobody } from './lane.ts';
import type { PreparedRequest } from './load-request.ts';
import type { Pool } from './pool.ts';
import { createTally, type Tally } from './tally.ts';

/** Sends the next request; its latency counts from this moment of `performance.now()`. */
export type Send = (lane: Lane, fromMs: number) => void;

/** When requests begin. The two modes of load differ in nothing else. */
export type Discipline = {
  /** This lane may take a request now. */
  readonly free: (lane: Lane, send: Send) => void;
  /** Nothing more will be begun; once nothing is under way either, the run is over. */
  readonly isOver: () => boolean;
};

export type Run = {
  readonly send: Send;
  /** Says that `isOver` may have another answer now. */
  readonly look: () => void;
  /** Ends it before its time. */
  readonly end: (lost?: string) => void;
  /** What was found, but for what only the discipline can judge. */
  readonly ended: Promise<{ readonly tally: Tally; readonly elapsedMs: number; readonly lost: string | undefined }>;
};

type Asked = { readonly request: PreparedRequest; readonly fromMs: number };

/** Whoever has heard nothing at all for so long waits for nothing. */
const silenceMs = 10_000;

/** Requests over the connections of a pool, in the order in which they are prepared, beginning again after the last. */
export function runOverPool(pool: Pool, requests: readonly PreparedRequest[], discipline: Discipline): Run {
  const beganMs = performance.now();
  const tally = createTally();
  const underWay = new Map<Lane, Asked>();
  const { promise: over, resolve: end } = Promise.withResolvers<string | undefined>();
  let number = 0;
  const look = () => {
    if (underWay.size === 0 && discipline.isOver()) end(undefined);
  };
  const send: Send = (lane, fromMs) => {
    const request = requests[number++ % requests.length];
    if (request === undefined) throw new RangeError('there is no request to send');
    underWay.set(lane, { request, fromMs });
    lane.send(request);
  };
  const user: LaneUser = {
    free: (lane) => {
      discipline.free(lane, send);
      look();
    },
    answered: (lane, status) => {
      const asked = underWay.get(lane);
      // One of the run before, which did not wait for it.
      if (asked === undefined) return;
      underWay.delete(lane);
      if (status === asked.request.expect) tally.answered((performance.now() - asked.fromMs) * 1000);
      else tally.failed(`status ${status}`);
    },
    failed: (lane, reason) => {
      if (underWay.delete(lane)) tally.failed(reason);
    },
    dropped: (lane) => lane.reopen(),
    lost: end,
  };
  pool.use(user);
  const silence = endAtSilence(tally, end);
  const ended = over.then((lost) => {
    const elapsedMs = performance.now() - beganMs;
    clearInterval(silence);
    pool.use(nobody);
    if (underWay.size > 0) tally.failed('no answer when the run ended', underWay.size);
    // What is still under way must not be taken for the answer to something later.
    for (const lane of underWay.keys()) lane.close();
    return { tally, elapsedMs, lost };
  });
  for (const lane of pool.lanes) {
    if (lane.isOpen()) user.free(lane);
    else lane.reopen();
  }
  return { send, look, end, ended };
}

function endAtSilence(tally: Tally, end: (lost: string) => void): NodeJS.Timeout {
  let heard = 0;
  return setInterval(() => {
    if (tally.done() === heard) end(`no answer for ${silenceMs / 1000} s`);
    heard = tally.done();
  }, silenceMs);
}
