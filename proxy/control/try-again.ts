import { afterDelay, backoffMs, type Schedule } from '../../certs/sources/schedule.ts';

const retryMs = { first: 1000, most: 30_000 } as const;

export type TryAgain = {
  /** To be told of each attempt; the next one is planned when this one was not whole. */
  readonly attempted: (isWhole: boolean) => void;
  readonly stop: () => void;
};

/** Has something done again, ever less often, until it was done whole. */
export function tryAgain(again: () => void, schedule: Schedule = afterDelay): TryAgain {
  let failures = 0;
  let stopped = false;
  let cancel = () => {};
  return {
    attempted: (isWhole) => {
      cancel();
      if (stopped) return;
      failures = isWhole ? 0 : failures + 1;
      if (!isWhole) cancel = schedule(backoffMs(failures, retryMs), again);
    },
    stop: () => {
      stopped = true;
      cancel();
    },
  };
}
