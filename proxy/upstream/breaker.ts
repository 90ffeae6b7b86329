import type { BreakerConfig } from '../config/config.ts';
import { type Denial, type DenialCode, deny } from '../denial.ts';

/** What became of a request says that the workload answers, that it does not, or nothing of it. */
export type Verdict = 'answers' | 'fails' | 'unclear';

/** Leave to ask the workload once; told afterwards what came of it. */
export type Pass = (verdict: Verdict) => void;

/** Stops asking a workload that does not answer (SP 800-204, SS-6): who waits for it would hold what others need. */
export type Breaker = {
  /** @returns a Pass, or why the workload is not asked now: nothing was sent */
  readonly admit: () => Pass | Denial;
  /** Whether others are refused, one that tries aside. */
  readonly isOpen: () => boolean;
};

export type BreakerEvents = {
  readonly opened: (detail: string) => void;
  readonly closed: () => void;
};

/** Of a workload that is asked whatever comes of it. */
export const noBreaker: Breaker = { admit: () => unheard, isOpen: () => false };
const unheard: Pass = () => undefined;

/**
 * Opens after so many failures in a row, and then lets one request through each `openForMs`: an answer closes it. It does not wait for
 * that one, which a client may draw out. What was under way when it opened says nothing any more. One for each data thread and
 * workload, as the pool is whose requests it counts.
 */
export function createBreaker(
  { failures, openForMs }: BreakerConfig,
  nowMs: () => number,
  { opened, closed }: BreakerEvents,
): Breaker {
  let inARow = 0;
  let openUntilMs: number | undefined;
  const usual: Pass = (verdict) => {
    if (openUntilMs !== undefined || verdict === 'unclear') return;
    inARow = verdict === 'fails' ? inARow + 1 : 0;
    if (inARow < failures) return;
    openUntilMs = nowMs() + openForMs;
    opened(`${inARow} failures in a row`);
  };
  const trial: Pass = (verdict) => {
    if (openUntilMs === undefined) return;
    if (verdict !== 'answers') return void (openUntilMs = nowMs() + (verdict === 'fails' ? openForMs : 0));
    openUntilMs = undefined;
    inARow = 0;
    closed();
  };
  return {
    admit: () => {
      if (openUntilMs === undefined) return usual;
      const now = nowMs();
      if (now < openUntilMs) return notNow(openUntilMs - now);
      openUntilMs = now + openForMs;
      return trial;
    },
    isOpen: () => openUntilMs !== undefined,
  };
}

function notNow(leftMs: number): Denial {
  return deny('breaker-open', { headers: ['retry-after', String(Math.ceil(leftMs / 1000))] });
}

/**
 * Of an answer, whatever its status, or why there is none. One that is too large or garbage was an answer: a client may be able to ask
 * for such a one.
 * @param hadItsTime whether the workload had the whole request, and long enough: a client that dawdles must not be able to close the
 *   workload to all others
 */
export function verdictOn(code: DenialCode | undefined, hadItsTime: boolean): Verdict {
  if (code === undefined || code === 'upstream-malformed' || code === 'upstream-too-large') return 'answers';
  if (code === 'upstream-unreachable' || code === 'upstream-unverified') return 'fails';
  return hadItsTime && (code === 'upstream-reset' || code === 'upstream-timeout') ? 'fails' : 'unclear';
}
