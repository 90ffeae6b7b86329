/** At once, and then each second. A page with a hundred pictures that is left twice takes less. */
const capacity = 200;
const perSecond = 50;

/**
 * How much a connection may ask for that is work for us and costs its client nothing: streams that are opened and reset (CVE-2023-44487) or made
 * to be reset by us (CVE-2025-8671), pings, settings, priorities, frames without content. Spent, the connection is told to calm down.
 */
export class Patience {
  readonly #now: () => number;
  #left = capacity;
  #at: number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#at = now();
  }

  /** @returns whether there was some left */
  spend(): boolean {
    const now = this.#now();
    this.#left = Math.min(capacity, this.#left + ((now - this.#at) * perSecond) / 1000);
    this.#at = now;
    this.#left -= 1;
    return this.#left >= 0;
  }
}
