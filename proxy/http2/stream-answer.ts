import type { HeaderList } from '../header-list.ts';
import type { AnswerFraming, AnswerSink } from '../transport.ts';
import type { ErrorCode } from './error-code.ts';
import { flag, frameHead, largestWindow, resetFrame } from './frame.ts';
import type { Outlet, Sender } from './outlet.ts';

/** So much has to leave for the write deadline to start anew. */
const progressBytes = 4096;

/** What the answer tells its stream. */
export type StreamAnswerEvents = {
  /** Bytes left: the write deadline starts anew. */
  readonly progressed: () => void;
  /** `serve` has said its last word: nobody reads the request any more. */
  readonly answered: () => void;
  /** The client was told that it breaks off. */
  readonly aborted: () => void;
  /** The end of the answer has left. */
  readonly finished: () => void;
  /** Nothing more will be asked of it, and nobody waits for the rest. */
  readonly forgotten: () => void;
};

type Piece = { readonly bytes: Buffer; readonly sent: (() => void) | undefined };

/** Writes one final answer as HEADERS and DATA, as fast as the windows of the stream and of its connection open. */
export class StreamAnswer implements AnswerSink, Sender {
  started = false;
  bytesOut = 0;
  /** What the client is told when the answer breaks off. */
  abortCode: ErrorCode = 'INTERNAL_ERROR';
  readonly #streamId: number;
  readonly #outlet: Outlet;
  readonly #events: StreamAnswerEvents;
  #window: number;
  #head: HeaderList | undefined;
  #queue: Piece[] = [];
  #drained: (() => void) | undefined;
  /** `write` has said that it has to wait. */
  #owesWord = false;
  /** `serve` has said its last word. */
  #ended = false;
  #finished = false;
  #gone = false;
  #sinceProgress = 0;
  /** Its window has been used up since the client last got on. */
  #isShut = false;

  constructor(streamId: number, window: number, outlet: Outlet, events: StreamAnswerEvents) {
    this.#streamId = streamId;
    this.#window = window;
    this.#outlet = outlet;
    this.#events = events;
  }

  get needs(): Sender['needs'] {
    if (this.#gone || this.#finished) return undefined;
    const hasData = this.#queue.length > 0;
    // Heads wait for their turn too: they have no window, and for a client that takes nothing they would fill our memory.
    if (this.#head === undefined ? this.#ended && !hasData : this.#ended || hasData) return 'turn';
    return hasData && this.#window > 0 ? 'room' : undefined;
  }

  /** True while the client, not we, is the one to wait for: it gives this stream no room. */
  get waitsForClient(): boolean {
    return this.#queue.length > 0 && this.#window <= 0;
  }

  /** Whether `serve` has said its last word. */
  get over(): boolean {
    return this.#ended;
  }

  /** Whether the connection goes on is not for one of its streams to say, so `close` has no meaning here. */
  head(status: number, headers: HeaderList, framing: AnswerFraming): void {
    const fields = [':status', String(status)];
    for (let index = 0; index < headers.length; index += 2) {
      fields.push((headers[index] as string).toLowerCase(), headers[index + 1] as string);
    }
    const declared =
      framing.kind === 'length' ? framing.bytes : framing.kind === 'bodiless' ? framing.declaredBytes : undefined;
    if (declared !== undefined) fields.push('content-length', String(declared));
    this.#head = fields;
    // It may take the place of an answer of which nothing has left yet.
    this.#queue = [];
    this.bytesOut = 0;
  }

  write(chunk: Buffer, sent?: () => void): boolean {
    if (this.#ended || this.#gone || chunk.length === 0) return true;
    this.#enqueue({ bytes: chunk, sent });
    this.#outlet.offer(this);
    if (this.#queue.length === 0 && !this.#outlet.blocked) return true;
    this.#owesWord = true;
    this.#tellWhenDry();
    return false;
  }

  end(last: Buffer | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    // Who brought the answer may still hold the whole of it, and the client take its time for the rest.
    this.#drained = undefined;
    this.#events.answered();
    if (this.#gone) return this.#events.forgotten();
    if (last !== undefined && last.length > 0) this.#enqueue({ bytes: last, sent: undefined });
    this.#outlet.offer(this);
  }

  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#events.answered();
    if (!this.#gone) {
      this.#outlet.write(resetFrame(this.#streamId, this.abortCode));
      this.#events.aborted();
    }
    this.#leave();
    this.#events.forgotten();
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** An interim answer: the body may come. */
  sendContinue(): void {
    this.#outlet.fields(this.#streamId, [':status', '100'], false);
  }

  /** The client has room for more of this answer, or for less. @returns false where that is more than a window can be */
  widen(increment: number): boolean {
    this.#window += increment;
    if (this.#window > largestWindow) return false;
    if (this.#queue.length > 0) this.#outlet.offer(this);
    return true;
  }

  send(room: number): number {
    const endsHere = this.#ended && this.#queue.length === 0;
    if (this.#head !== undefined) this.#sendHead(this.#head, endsHere);
    else if (endsHere) this.#outlet.write(frameHead('DATA', flag.endStream, this.#streamId, 0));
    const bytes = endsHere ? 0 : this.#sendData(Math.min(room, this.#window));
    if (this.#ended && this.#queue.length === 0) {
      this.#finished = true;
      this.#events.finished();
    } else this.#tellWhenDry();
    return bytes;
  }

  refill(): void {
    this.#owesWord = false;
    this.#drained?.();
  }

  /** Only to who was told to wait: everybody else goes on by himself. */
  #tellWhenDry(): void {
    if (this.#owesWord && !this.#ended && this.#queue.length === 0) this.#outlet.ranDry(this);
  }

  /** For the stream: nobody is there any more. What was on its way may have ended already. */
  connectionLost(): void {
    this.#leave();
    if (this.#ended) this.#events.forgotten();
  }

  #leave(): void {
    this.#gone = true;
    this.#queue = [];
    this.#outlet.withdraw(this);
  }

  #enqueue(piece: Piece): void {
    this.bytesOut += piece.bytes.length;
    // From here on the client may be called slow, and not from the last thing that it took.
    if (this.#queue.length === 0) this.#got();
    this.#queue.push(piece);
  }

  #sendHead(head: HeaderList, endStream: boolean): void {
    this.started = true;
    this.#head = undefined;
    this.#outlet.fields(this.#streamId, head, endStream);
  }

  #sendData(room: number): number {
    const [piece] = this.#queue;
    if (piece === undefined || room <= 0) return 0;
    const whole = piece.bytes.length <= room;
    const bytes = whole ? piece.bytes : piece.bytes.subarray(0, room);
    if (whole) this.#queue.shift();
    else this.#queue[0] = { bytes: piece.bytes.subarray(room), sent: piece.sent };
    const endStream = this.#ended && this.#queue.length === 0 ? flag.endStream : 0;
    this.#window -= bytes.length;
    this.#outlet.write(frameHead('DATA', endStream, this.#streamId, bytes.length));
    this.#outlet.write(bytes, whole ? piece.sent : undefined);
    this.#moved(bytes.length);
    return bytes.length;
  }

  /** A client that takes an answer byte by byte does not get on with it; one that had room for it until now is given its time. */
  #moved(bytes: number): void {
    this.#sinceProgress += bytes;
    if (this.#queue.length === 0 || this.#sinceProgress >= progressBytes) this.#got();
    if (!this.waitsForClient || this.#isShut) return;
    this.#got();
    this.#isShut = true;
  }

  #got(): void {
    this.#sinceProgress = 0;
    this.#isShut = false;
    this.#events.progressed();
  }
}
