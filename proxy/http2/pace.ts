import type { LimitsConfig } from '../config/config.ts';

/** Who closes its half has mostly left; who waits for its answers all the same gets this long. */
const halfClosedMs = 2000;

/** Since when a connection waits for its client, in each of the ways that there are. Times are monotonic milliseconds. */
export class Pace {
  /** Since when nothing is under way, and since when the last whole frame is here. */
  idleSince: number;
  lastFrameAt: number;
  /** Since when a block of fields has no end, and the client has closed its half. */
  blockSince: number | undefined;
  halfClosedAt: number | undefined;
  #blockedSince: number | undefined;

  constructor(now: number) {
    this.idleSince = now;
    this.lastFrameAt = now;
  }

  /** @param blocked whether the client does not take what it was sent, or gives us no room to send it */
  isStuck(blocked: boolean, { writeIdleMs }: LimitsConfig, now: number): boolean {
    if (blocked) this.#blockedSince ??= now;
    else this.#blockedSince = undefined;
    return this.#blockedSince !== undefined && now - this.#blockedSince > writeIdleMs;
  }

  /** It took something. */
  moved(): void {
    this.#blockedSince = undefined;
  }

  /** @param incomplete whether a frame has begun and is not whole */
  isSlow(incomplete: boolean, { headMs }: LimitsConfig, now: number): boolean {
    const since = this.blockSince ?? (incomplete ? this.lastFrameAt : now);
    return now - since > headMs;
  }

  /** Of a connection on which nothing is under way. @param served how many requests there were */
  isIdle(served: number, { headMs, keepAliveMs }: LimitsConfig, now: number): boolean {
    return this.blockSince === undefined && now - this.idleSince > (served === 0 ? headMs : keepAliveMs);
  }

  hasLeft(now: number): boolean {
    return this.halfClosedAt !== undefined && now - this.halfClosedAt > halfClosedMs;
  }
}
