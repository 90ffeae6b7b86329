import { ArrivingBody } from '../arriving-body.ts';
import { CurrentExchange } from '../current-exchange.ts';
import { type Denial, type DenialCode, deny } from '../denial.ts';
import { areTooTiny } from '../tiny-pieces.ts';
import type { ErrorCode } from './error-code.ts';
import { initialWindow, resetFrame, windowFrame } from './frame.ts';
import type { Outlet } from './outlet.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { RequestHead } from './request-head.ts';
import { StreamAnswer } from './stream-answer.ts';

/** Of tiny pieces the memory around them is the most: so much of them waits for a consumer, and no more. */
const maxWaitingWeight = 256 * 1024;

/** RFC 9113 section 8.1.1: an error of the stream, which may be answered before that is said. */
const malformed: ReadonlySet<DenialCode> = new Set(['malformed-header', 'malformed-request-line', 'ambiguous-framing']);

export function isMalformed(head: RequestHead | Denial): boolean {
  return 'code' in head && malformed.has(head.code);
}

/** A small piece would keep all that came with it, and of that it may be a thousandth. */
function ownPiece(data: Buffer): Buffer {
  if (data.length * 2 >= data.buffer.byteLength) return data;
  const own = Buffer.allocUnsafeSlow(data.length);
  data.copy(own);
  return own;
}

/** What is wrong on a stream. `answered`: its exchange has been told, and says so to the client. */
export type StreamFault = ErrorCode | 'answered';

export type StreamParts = {
  readonly id: number;
  readonly head: RequestHead | Denial;
  /** Whether nothing comes behind the head. */
  readonly endStream: boolean;
  /** What the client takes of an answer before it says more. */
  readonly sendWindow: number;
  readonly outlet: Outlet;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Both have said their last word. */
  readonly over: () => void;
  /** It was reset, and by whom; what we do is not over before `over`. */
  readonly reset: (by: 'by-us' | 'by-client') => void;
};

/** One request of an HTTP/2 connection, from its head to the end of its answer (RFC 9113 section 5.1). */
export class Stream {
  readonly exchange: CurrentExchange<ArrivingBody, StreamAnswer>;
  readonly began: number;
  /** When the last byte of body came or of answer left. */
  lastProgress: number;
  readonly #parts: StreamParts;
  readonly #room: ReceiveWindow;
  /** What came of the body, and of the windows since there was room again. */
  #bytes = 0;
  #frames = 0;
  #unread = 0;
  readonly #held: Buffer[] = [];
  #remoteEnded: boolean;
  /** What is said behind the answer to a request that has not ended, or that was none. */
  #lastWord: ErrorCode = 'NO_ERROR';

  constructor(parts: StreamParts, refused: boolean) {
    const { id, head, endStream, sendWindow, outlet, now } = parts;
    this.#parts = parts;
    this.#remoteEnded = endStream;
    this.began = now();
    this.lastProgress = this.began;
    this.#room = new ReceiveWindow(initialWindow, (increment) => outlet.write(windowFrame(id, increment)));
    const answer = new StreamAnswer(id, sendWindow, outlet, {
      progressed: () => this.#progressed(),
      answered: () => {
        this.exchange.body?.forget();
        this.exchange.departure.forget();
      },
      aborted: () => parts.reset('by-us'),
      finished: () => this.#finished(),
      forgotten: () => parts.over(),
    });
    const body = endStream || 'code' in head ? undefined : new ArrivingBody(head, this.#flow(answer));
    this.exchange = new CurrentExchange(body, answer, refused);
    if (isMalformed(head)) this.#lastWord = 'PROTOCOL_ERROR';
  }

  /** A frame of the body. @returns what is wrong with it */
  data(data: Buffer, flowBytes: number, endStream: boolean): StreamFault | undefined {
    if (this.#remoteEnded) return 'STREAM_CLOSED';
    if (!this.#room.arrived(flowBytes)) return 'FLOW_CONTROL_ERROR';
    this.#remoteEnded = endStream;
    this.lastProgress = this.#parts.now();
    const { body, answer } = this.exchange;
    // Behind what makes it malformed there might be an end that is none.
    if (body === undefined || answer.over || this.#lastWord !== 'NO_ERROR') return undefined;
    this.#unread += flowBytes;
    if (!this.#addsUp(body.declaredBytes, data.length, endStream)) {
      this.#lastWord = 'PROTOCOL_ERROR';
      answer.abortCode = 'PROTOCOL_ERROR';
      body.fail(deny('ambiguous-framing', { detail: 'DATA is not what Content-Length says' }));
      return 'answered';
    }
    this.#frames += 1;
    if (areTooTiny(this.#frames, this.#bytes)) return 'ENHANCE_YOUR_CALM';
    if (data.length > 0) this.#held.push(ownPiece(data));
    // With the last byte the workload would have a whole request, and act on it; more may come, which makes it none (RFC 9113 section 8.1.1).
    if (this.#bytes === body.declaredBytes && !endStream) return undefined;
    body.arrived(this.#held.splice(0), endStream);
    return body.waitingWeight > maxWaitingWeight ? 'ENHANCE_YOUR_CALM' : undefined;
  }

  /** The fields behind the body, which go no further. @returns what is wrong with them */
  trailers(wrong: Denial | undefined, endStream: boolean): StreamFault | undefined {
    if (this.#remoteEnded) return 'STREAM_CLOSED';
    return wrong !== undefined || !endStream ? 'PROTOCOL_ERROR' : this.data(Buffer.alloc(0), 0, true);
  }

  /** Ends it from our side in the middle of whatever it does. */
  reset(code: ErrorCode, detail: string): void {
    this.#parts.outlet.write(resetFrame(this.#parts.id, code));
    this.#parts.reset('by-us');
    this.exchange.lost(deny('client-aborted', { detail }));
  }

  /** The client has ended it. */
  wasReset(): void {
    this.#parts.reset('by-client');
    this.exchange.lost(deny('client-aborted', { detail: 'the client reset the stream' }));
  }

  #addsUp(declaredBytes: number | undefined, more: number, endStream: boolean): boolean {
    this.#bytes += more;
    if (declaredBytes === undefined) return true;
    return endStream ? this.#bytes === declaredBytes : this.#bytes <= declaredBytes;
  }

  #flow(answer: StreamAnswer) {
    return {
      resume: () => {
        this.#room.took(this.#unread);
        this.#unread = 0;
      },
      sendContinue: () => answer.sendContinue(),
      wanted: () => this.#progressed(),
    };
  }

  #progressed(): void {
    this.lastProgress = this.#parts.now();
  }

  /** What has not come of the request is not wanted any more (RFC 9113 section 8.1). */
  #finished(): void {
    const { id, outlet, reset, over } = this.#parts;
    if (!this.#remoteEnded || this.#lastWord !== 'NO_ERROR') {
      // In a write of its own: curl, which hears of it in the same read, has no answer to show.
      setImmediate(() => outlet.write(resetFrame(id, this.#lastWord)));
      reset('by-us');
    }
    over();
  }
}
