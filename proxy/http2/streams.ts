import type { ConnectionHost } from '../connection-host.ts';
import { type Denial, deny } from '../denial.ts';
import { dueOn } from './deadlines.ts';
import { violation, type Violation } from './error-code.ts';
import { EndedStreams } from './ended-streams.ts';
import type { Outlet } from './outlet.ts';
import type { Patience } from './patience.ts';
import type { Received } from './received.ts';
import { type FoundHead, judgeTrailers, readRequestHead } from './request-head.ts';
import { firstSettings, type PeerSettings } from './settings.ts';
import { isMalformed, Stream, type StreamFault } from './stream.ts';

type Fields = Extract<Received, { is: 'fields' }>;
type Data = Extract<Received, { is: 'data' }>;

export type StreamsParts = {
  readonly host: ConnectionHost & { readonly maxStreams: number };
  readonly outlet: Outlet;
  readonly patience: Patience;
  /** The last exchange under way is over. */
  readonly emptied: () => void;
};

const impatient = violation('ENHANCE_YOUR_CALM', 'too many resets, or frames that ask for nothing');

/** The requests of one connection: which are under way, which are over, and what may still come for them (RFC 9113 section 5.1). */
export class Streams {
  /** How many requests there were, and the highest number that one of their streams has. */
  served = 0;
  lastId = 0;
  /** As the client has them now. */
  settings: PeerSettings = firstSettings;
  readonly #parts: StreamsParts;
  readonly #open = new Map<number, Stream>();
  /** Reset, and their exchanges are not over yet: they count as under way (CVE-2025-8671). */
  readonly #ending = new Set<Stream>();
  readonly #ended: EndedStreams;
  #lastSeen = 0;
  #closed = false;
  #discarded = 0;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#ended = new EndedStreams(parts.host.maxStreams);
  }

  get idle(): boolean {
    return this.#underWay === 0;
  }

  get #underWay(): number {
    return this.#open.size + this.#ending.size;
  }

  /** Whether an answer has begun to leave and can go on, though no window opens any more. */
  get answering(): boolean {
    if (this.#parts.outlet.starved) return false;
    const goesOn = ({ exchange: { answer } }: Stream) => answer.started && !answer.waitsForClient;
    return [...this.#open.values()].some(goesOn);
  }

  /** From now on no request is begun: the client knows from GOAWAY that it may ask elsewhere. */
  close(): void {
    this.#closed = true;
  }

  fields({ streamId, endStream, block }: Fields): Violation | undefined {
    const stream = this.#open.get(streamId);
    if (stream !== undefined) return this.#fault(stream, streamId, stream.trailers(judgeTrailers(block), endStream));
    if (streamId % 2 === 0) return violation('PROTOCOL_ERROR', 'a request on an even stream');
    if (streamId <= this.#lastSeen) return this.#late(streamId);
    this.#lastSeen = streamId;
    if (this.#closed) return this.#discard(streamId);
    const found = readRequestHead(block, endStream);
    const refused = this.#underWay >= this.#parts.host.maxStreams;
    this.#begin(streamId, refused ? { head: deny('stream-refused'), line: found.line } : found, endStream);
    return refused || isMalformed(found.head) ? this.#pay() : undefined;
  }

  data({ streamId, endStream, data, flowBytes }: Data): Violation | undefined {
    const stream = this.#open.get(streamId);
    if (stream === undefined) return this.#late(streamId);
    if (data.length === 0 && !endStream && !this.#parts.patience.spend()) return impatient;
    return this.#fault(stream, streamId, stream.data(data, flowBytes, endStream));
  }

  reset(streamId: number): Violation | undefined {
    if (this.#isIdle(streamId)) return violation('PROTOCOL_ERROR', 'RST_STREAM on an idle stream');
    const stream = this.#open.get(streamId);
    // It may have been on its way when the answer ended.
    if (stream === undefined) return undefined;
    stream.wasReset();
    return this.#pay();
  }

  widen(streamId: number, increment: number): Violation | undefined {
    if (this.#isIdle(streamId)) return violation('PROTOCOL_ERROR', 'WINDOW_UPDATE on an idle stream');
    const stream = this.#open.get(streamId);
    if (stream === undefined) return undefined;
    if (increment === 0) return this.#fault(stream, streamId, 'PROTOCOL_ERROR');
    return stream.exchange.answer.widen(increment) ? undefined : this.#fault(stream, streamId, 'FLOW_CONTROL_ERROR');
  }

  /** What the client takes at first holds for the streams that there are too (RFC 9113 section 6.9.2). */
  obey(settings: PeerSettings): Violation | undefined {
    const change = settings.initialWindow - this.settings.initialWindow;
    this.settings = settings;
    for (const { exchange } of this.#open.values()) {
      if (!exchange.answer.widen(change)) return violation('FLOW_CONTROL_ERROR', 'settings make a window too large');
    }
    return undefined;
  }

  /** Refuses or cuts what has become too slow. @returns whether the identity ended and no time is left to say so */
  sweep(): boolean {
    const { host } = this.#parts;
    const now = host.now();
    for (const stream of this.#open.values()) {
      if (stream.exchange.outlived(host.ended)) return true;
      const due = dueOn(stream, host.limits(), now);
      if (due === 'late-body') {
        stream.exchange.body?.fail(deny('request-timeout', { detail: 'the body took too long' }));
      }
      if (due === 'unread') stream.reset('CANCEL', 'the client did not take its answer');
    }
    return false;
  }

  /**
   * Bodies that have not come whole will not.
   * @param unread the stream whose head has begun: that was a request too, and has its record
   */
  endOfInput(unread: number | undefined): void {
    for (const { exchange } of this.#open.values()) exchange.body?.cut();
    if (unread === undefined || unread <= this.#lastSeen || this.#closed) return;
    const head = deny('client-aborted', { detail: 'the connection ended before the head was read' });
    this.#begin(unread, { head, line: undefined }, true);
  }

  lost(cause: Denial): void {
    for (const { exchange } of this.#open.values()) exchange.lost(cause);
  }

  #begin(streamId: number, { head, line }: FoundHead, endStream: boolean): void {
    const { host, outlet, emptied } = this.#parts;
    this.served += 1;
    this.lastId = streamId;
    const refused = 'code' in head || host.ended() !== undefined;
    const stream: Stream = new Stream(
      {
        id: streamId,
        head,
        endStream,
        sendWindow: this.settings.initialWindow,
        outlet,
        now: host.now,
        over: () => {
          this.#ended.add(streamId, 'in-order');
          if ((this.#open.delete(streamId) || this.#ending.delete(stream)) && this.idle) emptied();
        },
        reset: (by) => {
          this.#ended.add(streamId, by);
          if (this.#open.delete(streamId)) this.#ending.add(stream);
        },
      },
      refused,
    );
    this.#open.set(streamId, stream);
    const { body, answer, departure } = stream.exchange;
    if ('code' in head && head.code === 'stream-refused') answer.abortCode = 'REFUSED_STREAM';
    host.serve({ number: this.served, head, line, body, answer, departure });
  }

  /** Requests that were on their way when we said that we leave are nobody's fault: as many as there may have been. */
  #discard(streamId: number): Violation | undefined {
    this.#ended.add(streamId, 'by-us');
    this.#discarded += 1;
    return this.#discarded > this.#parts.host.maxStreams ? this.#pay() : undefined;
  }

  #isIdle(streamId: number): boolean {
    return streamId > this.#lastSeen || streamId % 2 === 0;
  }

  /** For a stream that is not there: over, and the client may not know yet; or never begun. */
  #late(streamId: number): Violation | undefined {
    if (this.#isIdle(streamId)) return violation('PROTOCOL_ERROR', 'a frame on an idle stream');
    const end = this.#ended.endOf(streamId);
    if (end === 'by-us') return undefined;
    return end === undefined
      ? violation('PROTOCOL_ERROR', 'a frame on a stream that never was, or long ago')
      : violation('STREAM_CLOSED', 'a frame on a stream that is over');
  }

  #fault(stream: Stream, streamId: number, fault: StreamFault | undefined): Violation | undefined {
    if (fault === undefined) return undefined;
    if (fault !== 'answered') stream.reset(fault, `${fault} on stream ${streamId}`);
    return this.#pay();
  }

  #pay(): Violation | undefined {
    return this.#parts.patience.spend() ? undefined : impatient;
  }
}
