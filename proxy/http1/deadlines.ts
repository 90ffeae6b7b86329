import type { LimitsConfig } from '../config/config.ts';

/** `flushing`: the answer is over, but its client has not taken it yet; nothing more is read before that. */
export type Phase = 'idle' | 'head' | 'exchange' | 'flushing' | 'lingering' | 'closed';

/** What a connection is at, since when, and when it last got on with that. Times are monotonic milliseconds. */
export class Pace {
  phase: Phase = 'idle';
  phaseBegan: number;
  /** When the last byte of body came or of answer left. */
  lastProgress: number;
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
    this.phaseBegan = now();
    this.lastProgress = this.phaseBegan;
  }

  enter(phase: Phase): void {
    this.phase = phase;
    this.phaseBegan = this.#now();
    this.lastProgress = this.phaseBegan;
  }

  progressed(): void {
    this.lastProgress = this.#now();
  }
}

/** Where a connection stands, for the question whether it is too slow. Times are monotonic milliseconds. */
export type Standing = {
  readonly phase: Phase;
  readonly phaseBegan: number;
  /** When the last byte of body came or of answer left. */
  readonly lastProgress: number;
  readonly served: number;
  /** Bytes that the client has not taken yet, and whether they are so many that we wait for it. */
  readonly unsentBytes: number;
  readonly needsDrain: boolean;
  readonly waitsForBody: boolean;
  readonly halfClosedAt: number | undefined;
  readonly answerStarted: boolean;
};

/** What is due: the head or the body is late and answered so, or the connection ends: in good order, or at once. */
export type Due = 'late-head' | 'late-body' | 'end' | 'cut' | undefined;

/** How long the client may read its last answer, while what it still sends is dropped. */
const lingerMs = 1000;
/** Who closes its half has mostly left; who waits for its answer all the same gets this long before it is taken for gone. */
const halfClosedMs = 2000;

/** Each of the six ways to be slow has its limit (THREATS 1.7); nothing else may hold a connection. */
export function whatIsDue(at: Standing, limits: LimitsConfig, now: number): Due {
  const waited = now - at.phaseBegan;
  const silent = now - at.lastProgress;
  // The end of an answer goes at the client's pace, which neither keep-alive nor lingering may cut short.
  if (at.phase !== 'exchange' && at.unsentBytes > 0) return cutAfter(silent, limits.writeIdleMs);
  switch (at.phase) {
    case 'idle':
      return waited > (at.served === 0 ? limits.headMs : limits.keepAliveMs) ? 'end' : undefined;
    case 'head':
      return waited > limits.headMs ? 'late-head' : undefined;
    case 'lingering':
      return cutAfter(waited, lingerMs);
    case 'exchange':
      return dueInExchange(at, limits, now);
    case 'flushing':
    case 'closed':
      return undefined;
  }
}

function dueInExchange(at: Standing, limits: LimitsConfig, now: number): Due {
  const silent = now - at.lastProgress;
  if (at.halfClosedAt !== undefined && !at.answerStarted && now - at.halfClosedAt > halfClosedMs) return 'cut';
  if (at.needsDrain && silent > limits.writeIdleMs) return 'cut';
  const late = silent > limits.bodyIdleMs || now - at.phaseBegan > limits.bodyMs;
  return at.waitsForBody && late ? 'late-body' : undefined;
}

function cutAfter(waited: number, limitMs: number): Due {
  return waited > limitMs ? 'cut' : undefined;
}
