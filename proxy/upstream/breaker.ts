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
  /** A connection could not be had, and nobody was left to be told. */
  readonly missed: () => void;
  /** Whether others are refused, one that tries aside. */
  readonly isOpen: () => boolean;
  /** Its workload is not that of the configuration any more: it says so if it is open, and nothing from then on. */
  readonly retire: () => void;
};

export type BreakerEvents = {
  readonly opened: (detail: string) => void;
  readonly closed: (detail: string) => void;
};

/** Of a workload that is asked whatever comes of it. */
export const noBreaker: Breaker = {
  admit: () => unheard,
  missed: () => undefined,
  isOpen: () => false,
  retire: () => undefined,
};
const unheard: Pass = () => undefined;

/** A trial that says nothing gives its turn to the next, but not to thousands a second. */
const nextTrialMs = 100;

/**
 * Opens after so many failures in a row, and then lets one request through each `openForMs`: an answer closes it. It does not wait for
 * that one, which a client may draw out. A request that fails while others are answered says something of itself and not of the workload,
 * and one from before it opened or closed says nothing any more. One for each data thread and workload, as the pool is whose requests it counts.
 */
export function createBreaker(
  { failures, openForMs }: BreakerConfig,
  nowMs: () => number,
  { opened, closed }: BreakerEvents,
): Breaker {
  let inARow = 0;
  let openUntilMs: number | undefined;
  /** How often the workload has answered. */
  let answered = 0;
  /** How often it has opened or closed. */
  let turns = 0;
  let retired = false;
  const turn = (untilMs: number | undefined, tell: (detail: string) => void, detail: string) => {
    openUntilMs = untilMs;
    inARow = 0;
    turns += 1;
    if (!retired) tell(detail);
  };
  const fails = () => {
    inARow += 1;
    if (inARow === failures) turn(nowMs() + openForMs, opened, `failures in a row: ${failures}`);
  };
  const usual = (): Pass => {
    const [since, turnOf] = [answered, turns];
    return (verdict) => {
      if (turnOf !== turns) return;
      if (verdict === 'fails' && since === answered) return fails();
      if (verdict !== 'answers') return;
      answered += 1;
      inARow = 0;
    };
  };
  const trial = (): Pass => {
    const turnOf = turns;
    return (verdict) => {
      if (turnOf !== turns || openUntilMs === undefined) return;
      if (verdict === 'answers') return turn(undefined, closed, 'it has answered');
      const now = nowMs();
      openUntilMs = verdict === 'fails' ? now + openForMs : Math.min(openUntilMs, now + nextTrialMs);
    };
  };
  return {
    admit: () => {
      if (openUntilMs === undefined) return usual();
      const now = nowMs();
      if (now < openUntilMs) return notNow(openUntilMs - now);
      openUntilMs = now + openForMs;
      return trial();
    },
    missed: () => {
      if (openUntilMs === undefined) fails();
      else openUntilMs = nowMs() + openForMs;
    },
    isOpen: () => openUntilMs !== undefined,
    retire: () => {
      if (openUntilMs !== undefined) closed('the configuration has changed');
      retired = true;
    },
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
