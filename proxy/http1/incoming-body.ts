import type { Denial } from '../denial.ts';
import { deny } from '../denial.ts';
import type { BodyConsumer, RequestBody } from '../transport.ts';
import { type BodyDecoder, bodyDecoder } from './body-decoder.ts';
import type { RequestHead } from './request-head.ts';

/** What may wait for a consumer before the socket is paused. */
const highWaterBytes = 64 * 1024;
/** Memory that a piece takes beside its bytes: of tiny chunks it is the most. */
const pieceBytes = 128;
const weightOf = ({ length }: Buffer) => length + pieceBytes;

/** What the body asks of its connection. */
export type Flow = {
  readonly pause: () => void;
  readonly resume: () => void;
  readonly sendContinue: () => void;
  /** Somebody reads it from now on: only from here may the client be called slow. */
  readonly wanted: () => void;
};

/** The body that a head announces, if it does. */
export function announcedBody({ framing, expectsContinue }: RequestHead, flow: Flow): IncomingBody | undefined {
  if (framing.kind === 'none') return undefined;
  const declaredBytes = framing.kind === 'length' ? framing.bytes : undefined;
  return new IncomingBody(bodyDecoder(framing), declaredBytes, expectsContinue, flow);
}

/** The body of one HTTP/1.1 request: fed raw bytes by its connection, read once by a filter. */
export class IncomingBody implements RequestBody {
  readonly declaredBytes: number | undefined;
  receivedBytes = 0;
  /** True when its last byte has been read from the wire. */
  complete = false;
  readonly #decode: BodyDecoder;
  readonly #flow: Flow;
  #expectsContinue: boolean;
  #consumer: BodyConsumer | undefined;
  #queue: Buffer[] = [];
  #queuedWeight = 0;
  #failure: Denial | undefined;
  #paused = false;
  #over = false;

  constructor(decode: BodyDecoder, declaredBytes: number | undefined, expectsContinue: boolean, flow: Flow) {
    this.#decode = decode;
    this.declaredBytes = declaredBytes;
    this.#expectsContinue = expectsContinue;
    this.#flow = flow;
  }

  /** True while the client, not we, is the one to wait for. */
  get waitsForClient(): boolean {
    const weWait = this.#consumer !== undefined && !this.#paused && this.#queue.length === 0;
    return weWait && !this.complete && this.#failure === undefined;
  }

  /** Takes bytes from the wire. @returns how many belonged to this body, or the Denial that ends the connection */
  feed(bytes: Buffer): number | Denial {
    // A decoder that refused must see no more: behind a framing error it might find an end of body that is none.
    if (this.#failure !== undefined) return this.#failure;
    const decoded = this.#decode(bytes);
    if ('code' in decoded) {
      this.fail(decoded);
      return decoded;
    }
    this.#expectsContinue = false;
    this.complete = decoded.done;
    for (const piece of decoded.data) {
      this.receivedBytes += piece.length;
      this.#queuedWeight += weightOf(piece);
      this.#queue.push(piece);
    }
    this.#deliver();
    if (this.#queuedWeight > highWaterBytes && !this.complete) this.#flow.pause();
    return decoded.consumed;
  }

  fail(denial: Denial): void {
    if (this.complete || this.#failure !== undefined) return;
    this.#failure = denial;
    this.#deliver();
  }

  /** The connection ended; a body that was complete before is not affected. */
  cut(cause = deny('client-aborted', { detail: 'the connection ended inside the body' })): void {
    this.fail(cause);
  }

  consume(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#flow.wanted();
    if (this.#expectsContinue && !this.complete && this.#failure === undefined) this.#flow.sendContinue();
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
    if (this.#failure !== undefined) {
      this.#over = true;
      this.#queue = [];
      consumer.failed(this.#failure);
      return;
    }
    while (!this.#paused) {
      const piece = this.#queue.shift();
      if (piece === undefined) break;
      this.#queuedWeight -= weightOf(piece);
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
