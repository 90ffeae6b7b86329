import { backoffMs, type Schedule } from '../schedule.ts';
import type { Ask, StreamEnd } from './connect.ts';
import { type Endpoint, endpointText } from './endpoint.ts';

export type Follower<Response> = {
  readonly ask: Ask<Response>;
  readonly endpoint: Endpoint;
  readonly received: (response: Response | undefined) => void;
  /** `failures` in a row, this one included. */
  readonly lost: (end: StreamEnd, failures: number) => void;
  readonly now: () => number;
  readonly schedule: Schedule;
  /** From 0 up to 1. */
  readonly random: () => number;
};

/** SPIFFE Workload API section 4.3: the first message is sent without delay. */
const firstAnswerMs = 30_000;
/** A stream that has held for so long was a good one. */
const steadyMs = 30_000;
const retryMs = { first: 250, most: 30_000 } as const;

/** Holds one stream open, and opens it again whenever it ends (section 4.2). Returns how to stop. */
export function followAgent<Response>(follower: Follower<Response>): () => void {
  const { ask, endpoint, received, lost, now, schedule, random } = follower;
  let failures = 0;
  let stop = () => {};
  const open = () => {
    const openedMs = now();
    const end = (why: StreamEnd) => {
      stop();
      failures = now() - openedMs < steadyMs ? failures + 1 : 1;
      stop = schedule(waitMs(failures, random), open);
      lost({ ...why, message: `${endpointText(endpoint)}: ${why.message}` }, failures);
    };
    const giveUp = schedule(firstAnswerMs, () =>
      end({ code: 'workload-api-unavailable', message: `no answer within ${firstAnswerMs / 1000} s` }),
    );
    const hangUp = ask(endpoint, {
      received: (response) => {
        giveUp();
        received(response);
      },
      ended: end,
    });
    stop = () => {
      giveUp();
      hangUp();
    };
  };
  open();
  return () => stop();
}

/** Twice as long each time; the half of it is chance, so that a restarted agent does not meet all its workloads at once. */
function waitMs(failures: number, random: () => number): number {
  return backoffMs(failures, retryMs) * (0.5 + 0.5 * random());
}
