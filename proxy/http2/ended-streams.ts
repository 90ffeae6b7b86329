/** Enough for the right word to who speaks on a stream that it has ended itself. */
const mostOthers = 100;

/** Who ended a stream before its time, or that it came to its end. */
export type StreamEnd = 'by-us' | 'by-client' | 'in-order';

/**
 * The streams that ended last: what may still come for them differs (RFC 9113 section 5.1). Those that we ended are remembered by
 * themselves, so that no number of others makes us take for a fault what was under way when its client heard of it.
 */
export class EndedStreams {
  readonly #byUs = new Set<number>();
  readonly #others = new Map<number, StreamEnd>();
  readonly #mostByUs: number;

  /** @param maxStreams how many a client may have opened before it hears that one of them ended */
  constructor(maxStreams: number) {
    this.#mostByUs = 2 * maxStreams;
  }

  /** The first word counts. */
  add(streamId: number, end: StreamEnd): void {
    if (this.endOf(streamId) !== undefined) return;
    if (end === 'by-us') this.#byUs.add(streamId);
    else this.#others.set(streamId, end);
    forgetOldest(this.#byUs, this.#mostByUs);
    forgetOldest(this.#others, mostOthers);
  }

  /** Undefined for one that never was, or long ago. */
  endOf(streamId: number): StreamEnd | undefined {
    return this.#byUs.has(streamId) ? 'by-us' : this.#others.get(streamId);
  }
}

function forgetOldest(ids: Set<number> | Map<number, StreamEnd>, most: number): void {
  if (ids.size <= most) return;
  const [oldest] = ids.keys();
  if (oldest !== undefined) ids.delete(oldest);
}
