import type { TLSSocket } from 'node:tls';
import { type Denial, deny } from '../denial.ts';
import { CurrentExchange } from '../current-exchange.ts';
import { Pace, type Phase, type Standing, whatIsDue } from './deadlines.ts';
import { type ConnectionHost, contained, lastCallLooks } from '../connection-host.ts';
import { announcedBody, type Flow, type IncomingBody } from './incoming-body.ts';
import { behind, nothing } from './message-bytes.ts';
import { type AnswerEvents, OutgoingAnswer } from './outgoing-answer.ts';
import { HeadReader, type RequestHead, type RequestLine, readableLine } from './request-head.ts';

/** After the last answer we read and drop this much, so that the client can read the answer before a reset. */
const lingerBytes = 256 * 1024;
/** What a client may send ahead while its request is being served. */
const pipelineBytes = 16 * 1024;

const endedInsideHead = deny('client-aborted', { detail: 'the connection ended before the head was read' });

/**
 * The HTTP/1.1 state of one TLS connection: head, body, answer, one exchange at a time. Requests sent ahead are served
 * in order, one per turn of the event loop, so that a pipeline cannot starve other connections.
 */
export class Http1Connection {
  readonly #socket: TLSSocket;
  readonly #host: ConnectionHost;
  readonly #pace: Pace;
  #pending: Buffer = nothing;
  #headReader: HeadReader | undefined;
  #current: CurrentExchange<IncomingBody, OutgoingAnswer> | undefined;
  #brokenOff: Denial | undefined;
  #served = 0;
  #lingered = 0;
  /** Nothing behind this is a request: one of the two has said so. */
  #inputEnded = false;
  /** Since when nothing more can arrive; what came before is served. */
  #halfClosedAt: number | undefined;
  /** How often it was seen idle since its next answer is the last. */
  #lastCalls = 0;

  readonly #flow: Flow = {
    pause: () => this.#socket.pause(),
    resume: () => this.#socket.resume(),
    sendContinue: () => this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1'),
    wanted: () => this.#pace.progressed(),
  };

  /** Called by the listener's clock: refuses or cuts what has become too slow. */
  readonly sweep: () => void;
  readonly #nextHead: () => void;

  readonly #answerEvents: AnswerEvents = {
    finished: (close) => this.#finished(close),
    progressed: () => this.#pace.progressed(),
    mustClose: () => this.#mustClose(),
  };

  constructor(socket: TLSSocket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#pace = new Pace(host.now);
    const safe = contained(socket, host);
    this.sweep = safe(() => this.#sweep());
    this.#nextHead = safe(() => {
      if (this.#pace.phase === 'head') this.#readHead();
    });
    const on = <Value = void>(event: string, task: (value: Value) => void) => socket.on(event, safe(task));
    on('data', (chunk: Buffer) => this.#receive(chunk));
    on('drain', () => this.#drained());
    on('end', () => this.#endOfInput());
    on('close', () => this.#lost());
    socket.on('error', () => socket.destroy());
  }

  /** Ends the connection in the middle of whatever it does, for a reason of ours. */
  breakOff(cause: Denial): void {
    this.#brokenOff = cause;
    this.#socket.destroy();
  }

  #drained(): void {
    this.#pace.progressed();
    this.#current?.answer.drained();
    if (this.#pace.phase === 'flushing') this.#afterAnswer();
  }

  #sweep(): void {
    if (this.#pace.phase === 'idle' && this.#host.mustClose()) return this.#lastCall();
    if (this.#pace.phase === 'flushing' && this.#host.ended() !== undefined) return void this.#socket.destroy();
    if (this.#current?.outlived(this.#host.ended)) return void this.#socket.destroy();
    switch (whatIsDue(this.#standing(), this.#host.limits(), this.#host.now())) {
      case 'end':
        return this.#linger();
      case 'cut':
        return void this.#socket.destroy();
      case 'late-head':
        return this.#refuse(deny('request-timeout', { detail: 'the head took too long' }));
      case 'late-body':
        return this.#current?.body?.fail(deny('request-timeout', { detail: 'the body took too long' }));
      case undefined:
        return undefined;
    }
  }

  /** A request may be on its way (RFC 9112 section 9.6). Looks count, not time: between two, what has come is read. */
  #lastCall(): void {
    this.#lastCalls += 1;
    if (this.#lastCalls > lastCallLooks || this.#host.ended() !== undefined) this.#linger();
  }

  #standing(): Standing {
    const { phase, phaseBegan, lastProgress } = this.#pace;
    return {
      phase,
      phaseBegan,
      lastProgress,
      served: this.#served,
      unsentBytes: this.#socket.writableLength,
      needsDrain: this.#socket.writableNeedDrain,
      waitsForBody: this.#current?.body?.waitsForClient ?? false,
      halfClosedAt: this.#halfClosedAt,
      answerStarted: this.#current?.answer.started ?? false,
    };
  }

  #enter(phase: Phase): void {
    this.#lastCalls = 0;
    this.#pace.enter(phase);
  }

  #receive(chunk: Buffer): void {
    if (this.#pace.phase === 'lingering') {
      this.#lingered += chunk.length;
      // Not cut at once: a reset could overtake the answer.
      if (this.#lingered > lingerBytes) this.#socket.pause();
      return;
    }
    if (this.#pace.phase === 'closed') return;
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    if (this.#pace.phase === 'exchange') this.#feedBody();
    else this.#readHead();
  }

  #readHead(): void {
    if (this.#pace.phase === 'idle') this.#enter('head');
    this.#headReader ??= new HeadReader(this.#host.limits());
    const found = this.#headReader.read(this.#pending);
    if (found === undefined) return this.#halfClosedAt === undefined ? undefined : this.#refuse(endedInsideHead);
    this.#pending = behind(this.#pending, found.bytes);
    this.#begin(found.head, found.line);
  }

  #refuse(denial: Denial): void {
    this.#begin(denial, readableLine(this.#pending, this.#host.limits()));
  }

  #begin(head: RequestHead | Denial, line: RequestLine | undefined): void {
    this.#headReader = undefined;
    this.#enter('exchange');
    this.#served += 1;
    const isHead = 'framing' in head;
    const body = isHead ? announcedBody(head, this.#flow) : undefined;
    this.#inputEnded ||= isHead && head.closes;
    const answer = new OutgoingAnswer(this.#socket, this.#answerEvents);
    this.#current = new CurrentExchange(body, answer, !isHead || this.#host.ended() !== undefined);
    // First what has come of the body: a small one is judged without waiting for another turn.
    this.#feedBody();
    this.#host.serve({ number: this.#served, head, line, body, answer, departure: this.#current.departure });
  }

  #feedBody(): void {
    const body = this.#current?.body;
    if (body !== undefined && !body.complete && this.#pending.length > 0) {
      this.#pace.progressed();
      const bytes = this.#pending;
      this.#pending = nothing;
      const consumed = body.feed(bytes);
      if (typeof consumed === 'object') return;
      this.#pending = behind(bytes, consumed);
    }
    if (this.#halfClosedAt !== undefined) body?.cut();
    if (this.#pace.phase === 'exchange' && this.#pending.length > pipelineBytes) this.#socket.pause();
  }

  /** What was not read of a body would be taken for the next request: then the connection cannot go on. */
  #mustClose(): boolean {
    return (
      this.#host.mustClose() ||
      this.#inputEnded ||
      (this.#halfClosedAt !== undefined && this.#pending.length === 0) ||
      this.#served >= this.#host.limits().maxRequestsPerConnection ||
      this.#current?.body?.complete === false
    );
  }

  #finished(close: boolean): void {
    this.#current = undefined;
    this.#inputEnded ||= close;
    if (!this.#socket.writableNeedDrain) return this.#afterAnswer();
    // A pipeline whose answers nobody reads would otherwise fill our memory.
    this.#enter('flushing');
    this.#socket.pause();
  }

  /** Gives up reading requests, but not before the client had its chance to read the answer. */
  #linger(): void {
    this.#enter('lingering');
    this.#pending = nothing;
    this.#socket.end();
    this.#socket.resume();
  }

  #afterAnswer(): void {
    // A drain that began after the head said keep-alive lets the next answer say it; an ended identity does not wait.
    const nothingFollows = this.#inputEnded || (this.#halfClosedAt !== undefined && this.#pending.length === 0);
    if (nothingFollows || this.#host.ended() !== undefined) return this.#linger();
    this.#enter('idle');
    this.#socket.resume();
    if (this.#pending.length > 0) {
      this.#enter('head');
      setImmediate(this.#nextHead);
    }
  }

  #endOfInput(): void {
    this.#halfClosedAt = this.#host.now();
    if (this.#pace.phase === 'exchange') this.#current?.body?.cut();
    else if (this.#pace.phase === 'head') this.#readHead();
    else if (this.#pace.phase !== 'flushing') this.#socket.end();
  }

  #lost(): void {
    if (this.#pace.phase === 'closed') return;
    if (this.#pace.phase === 'head') this.#refuse(this.#brokenOff ?? endedInsideHead);
    this.#enter('closed');
    this.#pending = nothing;
    this.#current?.lost(this.#brokenOff);
  }
}
