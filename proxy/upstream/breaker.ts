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

export function createBreaker(config: BreakerConfig, nowMs: () => number, events: BreakerEvents): Breaker {
  return new CountingBreaker(config, nowMs, events);
}

/**
 * Opens after so many failures in a row, and then lets one request through each `openForMs`: an answer closes it. It does not wait for
 * that one, which a client may draw out. A request that fails while others are answered says something of itself and not of the workload,
 * and one from before it opened or closed says nothing any more. One for each data thread and workload, as the pool is whose requests it counts.
 */
class CountingBreaker implements Breaker {
  readonly #config: BreakerConfig;
  readonly #nowMs: () => number;
  readonly #events: BreakerEvents;
  #inARow = 0;
  #openUntilMs: number | undefined;
  /** How often the workload has answered. */
  #answered = 0;
  /** How often it has opened or closed. */
  #turns = 0;
  #retired = false;

  constructor(config: BreakerConfig, nowMs: () => number, events: BreakerEvents) {
    this.#config = config;
    this.#nowMs = nowMs;
    this.#events = events;
  }

  admit(): Pass | Denial {
    if (this.#openUntilMs === undefined) return this.#usual();
    const now = this.#nowMs();
    if (now < this.#openUntilMs) return notNow(this.#openUntilMs - now);
    this.#openUntilMs = now + this.#config.openForMs;
    return this.#trial();
  }

  missed(): void {
    if (this.#openUntilMs === undefined) this.#fails();
    else this.#openUntilMs = this.#nowMs() + this.#config.openForMs;
  }

  isOpen(): boolean {
    return this.#openUntilMs !== undefined;
  }

  retire(): void {
    if (this.#openUntilMs !== undefined) this.#events.closed('the configuration has changed');
    this.#retired = true;
  }

  #usual(): Pass {
    const [answeredBefore, turn] = [this.#answered, this.#turns];
    return (verdict) => {
      if (turn !== this.#turns) return;
      if (verdict === 'fails' && answeredBefore === this.#answered) this.#fails();
      if (verdict !== 'answers') return;
      this.#answered += 1;
      this.#inARow = 0;
    };
  }

  #trial(): Pass {
    const turn = this.#turns;
    return (verdict) => {
      if (turn !== this.#turns || this.#openUntilMs === undefined) return;
      if (verdict === 'answers') return this.#turn(undefined);
      const now = this.#nowMs();
      const { openForMs } = this.#config;
      this.#openUntilMs = verdict === 'fails' ? now + openForMs : Math.min(this.#openUntilMs, now + nextTrialMs);
    };
  }

  #fails(): void {
    this.#inARow += 1;
    if (this.#inARow === this.#config.failures) this.#turn(this.#nowMs() + this.#config.openForMs);
  }

  #turn(openUntilMs: number | undefined): void {
    this.#openUntilMs = openUntilMs;
    this.#inARow = 0;
    this.#turns += 1;
    if (this.#retired) return;
    if (openUntilMs === undefined) this.#events.closed('it has answered');
    else this.#events.opened(`failures in a row: ${this.#config.failures}`);
  }
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
