/** So many that what was under way to them has arrived before they are forgotten. */
const most = 1000;

/** Who ended a stream before its time, or that it came to its end. */
export type StreamEnd = 'by-us' | 'by-client' | 'in-order';

/** The streams that ended last: what may still come for them differs (RFC 9113 section 5.1). */
export class EndedStreams {
  readonly #ends = new Map<number, StreamEnd>();

  /** The first word counts. */
  add(streamId: number, end: StreamEnd): void {
    if (this.#ends.has(streamId)) return;
    this.#ends.set(streamId, end);
    if (this.#ends.size <= most) return;
    const [oldest] = this.#ends.keys();
    if (oldest !== undefined) this.#ends.delete(oldest);
  }

  /** Undefined for one that never was, or long ago. */
  endOf(streamId: number): StreamEnd | undefined {
    return this.#ends.get(streamId);
  }
}
