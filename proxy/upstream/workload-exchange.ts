import type { SpiffeId } from '../../certs/spiffe-id.ts';
import { type Denial, deny } from '../denial.ts';
import type { HeaderList } from '../header-list.ts';
import type { Arrived } from '../http1/response-reader.ts';
import { answerTooLate } from '../time-left.ts';
import { giveBack, largeRead } from './read-memory.ts';
import type { StreamedBody } from './request-body.ts';
import {
  judgeResponse,
  type ResponseBody,
  type ResponseConsumer,
  type ResponseRules,
  type WorkloadResponse,
} from './workload-response.ts';

export type WorkloadRequest = {
  readonly method: string;
  readonly target: string;
  readonly authority: string;
  readonly headers: HeaderList;
  /** What we say of the caller, behind the headers and as it stands in a head. */
  readonly lines: string;
  readonly body: Buffer | StreamedBody | undefined;
};

/** Who has the exchange at the moment: those who wait for a connection, then a connection. */
export type Carrier = {
  readonly pause: () => void;
  readonly resume: () => void;
  /** Nobody wants it any more. */
  readonly drop: () => void;
};

export type ExchangeEvents = {
  /** The request is handed to a connection, to whom where that was verified: from then on the workload may have seen it. */
  readonly sent: (workload: SpiffeId | undefined) => void;
  /** Once. After a response its body has its own end or failure. */
  readonly settled: (outcome: WorkloadResponse | Denial) => void;
};

/** So large a piece is on average where each is handed on by itself. */
const lentPieceBytes = 512;

/** One request on its way to the workload: a carrier on one side, a response or a Denial on the other. */
export class WorkloadExchange implements ResponseBody {
  readonly request: WorkloadRequest;
  /** True when nothing more can become of it. */
  over = false;
  readonly #rules: ResponseRules;
  readonly #events: ExchangeEvents;
  #carrier: Carrier | undefined;
  #settled = false;
  #consumer: ResponseConsumer | undefined;
  #received = 0;
  /** What came before the consumer did. */
  #early: Buffer[] = [];
  #ending: 'end' | Denial | undefined;
  #msLeft = Infinity;

  constructor(request: WorkloadRequest, rules: ResponseRules, events: ExchangeEvents) {
    this.request = request;
    this.#rules = rules;
    this.#events = events;
  }

  waitAt(carrier: Carrier): void {
    this.#carrier = carrier;
  }

  beginAt(carrier: Carrier, workload: SpiffeId | undefined): void {
    this.#carrier = carrier;
    this.#events.sent(workload);
  }

  /** Whoever has it calls `tick` from now on, and it is over when the time is. */
  endAfter(ms: number): void {
    this.#msLeft = ms;
  }

  tick(ms: number): void {
    this.#msLeft -= ms;
    if (this.#msLeft <= 0) this.cancel(answerTooLate);
  }

  /**
   * For its connection: bytes of the response, which are copied here, because the memory is read into again.
   * @param own is not, unless it is given back
   * @returns whether it was handed on
   */
  arrived({ head, data, done }: Arrived, own?: Buffer): boolean {
    if (this.over) return false;
    for (const piece of data) this.#received += piece.length;
    if (this.#received > this.#rules.maxResponseBytes) return this.#refuse(deny('upstream-too-large'));
    if (head !== undefined) {
      const judged = judgeResponse(head, this.#rules);
      if ('code' in judged) return this.#refuse(judged);
      // One that is all here needs no consumer, and the way back no turn to wait for one.
      if (done) return this.#whole({ ...judged, body: copyOf(data) });
      this.#settle({ ...judged, body: this });
    }
    const isLent = own !== undefined && this.#lend(data, own);
    // As one: a read can be thousands of tiny chunks.
    if (!isLent && data.length > 0) this.#deliver(copyOf(data));
    if (done) this.#end('end');
    return isLent;
  }

  failed(denial: Denial): void {
    if (this.over) return;
    if (this.#settled) return this.#end(denial);
    this.over = true;
    this.#settle(denial);
  }

  /** Ends it for a reason of ours, which then is its outcome. */
  cancel(cause: Denial): void {
    if (this.over) return;
    const carrier = this.#carrier;
    this.failed(cause);
    carrier?.drop();
  }

  consume(consumer: ResponseConsumer): void {
    this.#consumer = consumer;
    for (const piece of this.#early.splice(0)) consumer.chunk(piece);
    if (this.#ending !== undefined) this.#tell(this.#ending);
    else this.resume();
  }

  pause(): void {
    if (!this.over) this.#carrier?.pause();
  }

  resume(): void {
    if (!this.over) this.#carrier?.resume();
  }

  abort(): void {
    this.cancel(deny('client-aborted'));
  }

  #refuse(denial: Denial): false {
    this.cancel(denial);
    return false;
  }

  #whole(response: WorkloadResponse): false {
    this.over = true;
    this.#settle(response);
    return false;
  }

  /** Pieces that are small, each or together, would hold on to memory that is many times as large. */
  #lend(pieces: readonly Buffer[], own: Buffer): boolean {
    const lent = this.#consumer?.lent;
    if (lent === undefined) return false;
    const bytes = pieces.reduce((sum, { length }) => sum + length, 0);
    if (bytes < Math.max(largeRead, pieces.length * lentPieceBytes)) return false;
    let unsent = pieces.length;
    const done = () => {
      unsent -= 1;
      if (unsent === 0) giveBack(own);
    };
    for (const piece of pieces) lent(piece, done);
    return true;
  }

  #settle(outcome: WorkloadResponse | Denial): void {
    this.#settled = true;
    this.#events.settled(outcome);
  }

  #deliver(piece: Buffer): void {
    if (this.#consumer !== undefined) return this.#consumer.chunk(piece);
    this.#early.push(piece);
    this.pause();
  }

  #end(how: 'end' | Denial): void {
    this.over = true;
    this.#ending = how;
    if (this.#consumer !== undefined) this.#tell(how);
  }

  #tell(how: 'end' | Denial): void {
    if (how === 'end') this.#consumer?.end();
    else this.#consumer?.failed(how);
  }
}

function copyOf(data: readonly Buffer[]): Buffer {
  const [only] = data;
  return only !== undefined && data.length === 1 ? Buffer.from(only) : Buffer.concat(data);
}
