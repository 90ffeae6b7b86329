import type { Socket } from 'node:net';
import type { AnswerFraming, AnswerSink } from '../transport.ts';
import type { HeaderList } from '../header-list.ts';
import { nothing, oneBuffer } from './message-bytes.ts';
import { chunkEnd, chunkStart, lastChunk } from './chunked-writer.ts';
import { responseHead } from './response-writer.ts';

/** What the answer tells its connection. */
export type AnswerEvents = {
  /** The last byte was handed to the socket; `close` as it was told to the client. */
  readonly finished: (close: boolean) => void;
  /** Bytes left: the write deadline starts anew. */
  readonly progressed: () => void;
  /** Whether the connection must end after this answer for a reason of its own. */
  readonly mustClose: () => boolean;
};

/** Writes one final HTTP/1.1 answer with explicit framing (RFC 9112 section 6). */
export class OutgoingAnswer implements AnswerSink {
  started = false;
  bytesOut = 0;
  readonly #socket: Socket;
  readonly #events: AnswerEvents;
  #head: string | undefined;
  #chunked = false;
  #close = false;
  #drained: (() => void) | undefined;
  #over = false;

  constructor(socket: Socket, events: AnswerEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  head(status: number, headers: HeaderList, framing: AnswerFraming, close: boolean): void {
    this.#close = close || this.#events.mustClose();
    this.#chunked = framing.kind === 'chunked';
    this.#head = responseHead(status, headers, framing, this.#close);
  }

  write(chunk: Buffer, sent?: () => void): boolean {
    if (this.#over || chunk.length === 0) return true;
    this.#socket.cork();
    this.#flushHead();
    const flowing = this.#writeChunk(chunk, sent);
    this.#socket.uncork();
    return flowing;
  }

  end(last: Buffer | undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#writeWhole(last)) this.#writeRest(last);
    this.#events.finished(this.#close);
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  /** For the connection: the socket took everything it was given. */
  drained(): void {
    this.#drained?.();
  }

  /** For the connection: the socket is gone. */
  connectionLost(): void {
    this.#over = true;
  }

  /** A small answer of which nothing has left goes as one buffer: one write, one TLS record. */
  #writeWhole(body: Buffer | undefined): boolean {
    const head = this.#head;
    if (head === undefined || this.#chunked) return false;
    const whole = oneBuffer(head, body ?? nothing);
    if (whole === undefined) return false;
    this.#head = undefined;
    this.started = true;
    this.bytesOut += whole.length - head.length;
    this.#events.progressed();
    this.#socket.write(whole);
    return true;
  }

  #writeRest(last: Buffer | undefined): void {
    this.#socket.cork();
    this.#flushHead();
    if (last !== undefined && last.length > 0) this.#writeChunk(last);
    if (this.#chunked) this.#socket.write(lastChunk, 'latin1');
    this.#socket.uncork();
  }

  #flushHead(): void {
    if (this.#head === undefined) return;
    this.started = true;
    this.#socket.write(this.#head, 'latin1');
    this.#head = undefined;
  }

  #writeChunk(chunk: Buffer, sent?: () => void): boolean {
    this.bytesOut += chunk.length;
    this.#events.progressed();
    // An error says nothing of who still reads the bytes.
    const written = sent && ((error?: Error | null) => (error === null || error === undefined ? sent() : undefined));
    if (!this.#chunked) return this.#socket.write(chunk, written);
    this.#socket.write(chunkStart(chunk), 'latin1');
    this.#socket.write(chunk, written);
    return this.#socket.write(chunkEnd, 'latin1');
  }
}
