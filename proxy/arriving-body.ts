import type { Denial } from './denial.ts';
import { deny } from './denial.ts';
import type { BodyConsumer, RequestBody } from './transport.ts';

/** Memory that a piece takes beside its bytes: of tiny ones it is the most. */
const pieceBytes = 128;
const weightOf = ({ length }: Buffer) => length + pieceBytes;

/** What the body tells and asks its connection, whichever protocol that speaks. */
export type BodyFlow = {
  /** Nothing of it waits any more: the client may go on. */
  readonly resume: () => void;
  readonly sendContinue: () => void;
  /** Somebody reads it from now on: only from here may the client be called slow. */
  readonly wanted: () => void;
};

/** How a body is announced. */
export type Announced = { readonly declaredBytes: number | undefined; readonly expectsContinue: boolean };

/** A request body on its way: filled by its connection, read once by a filter. */
export class ArrivingBody implements RequestBody {
  readonly declaredBytes: number | undefined;
  receivedBytes = 0;
  /** True when its last byte has been read from the wire. */
  complete = false;
  /** What waits for the consumer, with what it costs to keep it. */
  waitingWeight = 0;
  protected failure: Denial | undefined;
  readonly #flow: BodyFlow;
  #expectsContinue: boolean;
  #consumer: BodyConsumer | undefined;
  #queue: Buffer[] = [];
  #paused = false;
  #over = false;

  constructor({ declaredBytes, expectsContinue }: Announced, flow: BodyFlow) {
    this.declaredBytes = declaredBytes;
    this.#expectsContinue = expectsContinue;
    this.#flow = flow;
  }

  /** True while the client, not we, is the one to wait for. */
  get waitsForClient(): boolean {
    const weWait = this.#consumer !== undefined && !this.#paused && this.#queue.length === 0;
    return weWait && !this.complete && this.failure === undefined;
  }

  /** Takes what has come. @param complete whether nothing comes behind it */
  arrived(pieces: readonly Buffer[], complete: boolean): void {
    this.#expectsContinue = false;
    this.complete = complete;
    for (const piece of pieces) {
      this.receivedBytes += piece.length;
      if (this.#over) continue;
      this.waitingWeight += weightOf(piece);
      this.#queue.push(piece);
    }
    this.#deliver();
  }

  fail(denial: Denial): void {
    if (this.complete || this.failure !== undefined) return;
    this.failure = denial;
    this.#deliver();
  }

  /** The connection ended; a body that was complete before is not affected. */
  cut(cause = deny('client-aborted', { detail: 'the connection ended inside the body' })): void {
    this.fail(cause);
  }

  /** The exchange is over: nobody will read what is here or still comes. */
  forget(): void {
    this.#over = true;
    this.#queue = [];
    this.waitingWeight = 0;
  }

  consume(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#flow.wanted();
    if (this.#expectsContinue && !this.complete && this.failure === undefined) this.#flow.sendContinue();
    this.#deliver();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#deliver();
  }

  #deliver(): void {
    const consumer = this.#consumer;
    if (consumer === undefined || this.#over) return;
    if (this.failure !== undefined) {
      this.#over = true;
      this.#queue = [];
      consumer.failed(this.failure);
      return;
    }
    while (!this.#paused) {
      const piece = this.#queue.shift();
      if (piece === undefined) break;
      this.waitingWeight -= weightOf(piece);
      consumer.chunk(piece);
    }
    if (this.#queue.length > 0 || this.#over) return;
    if (!this.complete) this.#flow.resume();
    else {
      this.#over = true;
      consumer.end();
    }
  }
}
