import { type Announced, ArrivingBody, type BodyFlow } from '../arriving-body.ts';
import type { Denial } from '../denial.ts';
import { type BodyDecoder, bodyDecoder } from './body-decoder.ts';
import type { RequestHead } from './request-head.ts';

/** What may wait for a consumer before the socket is paused. */
const highWaterBytes = 64 * 1024;

/** What the body asks of its connection. */
export type Flow = BodyFlow & { readonly pause: () => void };

/** The body that a head announces, if it does. */
export function announcedBody({ framing, expectsContinue }: RequestHead, flow: Flow): IncomingBody | undefined {
  if (framing.kind === 'none') return undefined;
  const declaredBytes = framing.kind === 'length' ? framing.bytes : undefined;
  return new IncomingBody(bodyDecoder(framing), { declaredBytes, expectsContinue }, flow);
}

/** The body of one HTTP/1.1 request: fed raw bytes by its connection, read once by a filter. */
export class IncomingBody extends ArrivingBody {
  readonly #decode: BodyDecoder;
  readonly #pause: Flow['pause'];

  constructor(decode: BodyDecoder, announced: Announced, flow: Flow) {
    super(announced, flow);
    this.#decode = decode;
    this.#pause = flow.pause;
  }

  /** Takes bytes from the wire. @returns how many belonged to this body, or the Denial that ends the connection */
  feed(bytes: Buffer): number | Denial {
    // A decoder that refused must see no more: behind a framing error it might find an end of body that is none.
    if (this.failure !== undefined) return this.failure;
    const decoded = this.#decode(bytes);
    if ('code' in decoded) {
      this.fail(decoded);
      return decoded;
    }
    this.arrived(decoded.data, decoded.done);
    if (this.waitingWeight > highWaterBytes && !this.complete) this.#pause();
    return decoded.consumed;
  }
}
