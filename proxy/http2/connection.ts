import type { TLSSocket } from 'node:tls';
import { type ConnectionHost, contained, lastCallLooks } from '../connection-host.ts';
import type { LimitsConfig } from '../config/config.ts';
import { type Denial, deny } from '../denial.ts';
import { violation, type Violation } from './error-code.ts';
import { goawayFrame, largestWindow, pingAnswer, windowFrame } from './frame.ts';
import { FrameJudge } from './frame-judge.ts';
import { FrameReader } from './frame-reader.ts';
import { Outlet } from './outlet.ts';
import { Pace } from './pace.ts';
import { Patience } from './patience.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Received } from './received.ts';
import { ourSettings, readSettings, settingsAnswer } from './settings.ts';
import { Streams } from './streams.ts';

/** More than one stream can fill, and given back as it fills: what waits for a consumer is bounded by the window of its stream. */
const connectionWindow = 262_144;
/** What one connection may take of a turn of the event loop, so that it does not starve others. */
const framesPerTurn = 256;
const requestsPerTurn = 8;
/** A window that opens byte by byte is none. */
const progressBytes = 1024;
/** How long the client may read what was said last, while what it still sends is dropped. */
const lingerMs = 1000;

/** `leaving`: what is under way is finished, and nothing else begun. `lingering`: nothing is read any more. */
type Phase = 'open' | 'last-call' | 'leaving' | 'lingering' | 'closed';

export type Http2Host = ConnectionHost & {
  /** Requests that one connection may have under way at once. */
  readonly maxStreams: number;
  /** Told that the client broke the rules of the protocol: its connection is ended for it. */
  readonly violated: (detail: string) => void;
};

/** The HTTP/2 state of one TLS connection (RFC 9113): frames in, requests out, and its end in good order or bad. */
export class Http2Connection {
  readonly #socket: TLSSocket;
  readonly #host: Http2Host;
  readonly #reader = new FrameReader();
  readonly #judge: FrameJudge;
  readonly #outlet: Outlet;
  readonly #patience: Patience;
  readonly #streams: Streams;
  readonly #room: ReceiveWindow;
  readonly #pace: Pace;
  #phase: Phase = 'open';
  #phaseBegan: number;
  /** What is here waits for our next turn: the client is not slow. */
  #deferred = false;
  #brokenOff: Denial | undefined;
  #lastCalls = 0;

  /** Called by the listener's clock: refuses or cuts what has become too slow. */
  readonly sweep: () => void;
  readonly #readOn: () => void;

  constructor(socket: TLSSocket, host: Http2Host) {
    this.#socket = socket;
    this.#host = host;
    this.#phaseBegan = host.now();
    this.#pace = new Pace(this.#phaseBegan);
    this.#judge = new FrameJudge(host.limits);
    this.#outlet = new Outlet(socket);
    this.#patience = new Patience(host.now);
    const emptied = () => this.#emptied();
    this.#streams = new Streams({ host, outlet: this.#outlet, patience: this.#patience, emptied });
    this.#outlet.write(ourSettings(host.maxStreams, host.limits().maxHeadBytes));
    this.#room = new ReceiveWindow(connectionWindow, (increment) => this.#outlet.write(windowFrame(0, increment)));
    const safe = contained(socket, host);
    this.sweep = safe(() => this.#sweep());
    this.#readOn = safe(() => this.#read());
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

  #receive(chunk: Buffer): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return;
    if (!this.#reader.incomplete) this.#pace.lastFrameAt = this.#host.now();
    this.#reader.add(chunk);
    if (!this.#deferred) this.#read();
  }

  #read(): void {
    this.#deferred = false;
    const { served } = this.#streams;
    for (let frames = 0; this.#phase !== 'lingering' && this.#phase !== 'closed'; frames += 1) {
      if (frames === framesPerTurn || this.#streams.served - served === requestsPerTurn) {
        setImmediate(this.#readOn);
        this.#deferred = true;
        return void this.#socket.pause();
      }
      const frame = this.#reader.next();
      if (frame === undefined) break;
      this.#pace.lastFrameAt = this.#host.now();
      const wrong = 'is' in frame ? frame : this.#obey(this.#judge.judge(frame));
      if (wrong !== undefined) return this.#refuse(wrong);
      if (this.#streams.served >= this.#host.limits().maxRequestsPerConnection) this.#leave();
    }
    this.#socket.resume();
  }

  #obey(received: Received): Violation | undefined {
    this.#pace.blockSince = this.#judge.openBlock && (this.#pace.blockSince ?? this.#host.now());
    switch (received.is) {
      case 'violation':
        return received;
      case 'fields':
        return this.#streams.fields(received);
      case 'data':
        if (!this.#room.arrived(received.flowBytes)) return violation('FLOW_CONTROL_ERROR', 'more than the window');
        this.#room.took(received.flowBytes);
        return this.#streams.data(received);
      case 'reset':
        return this.#streams.reset(received.streamId);
      case 'window':
        return this.#widen(received.streamId, received.increment);
      case 'settings':
        return this.#pay() ?? this.#change(received.payload);
      case 'ping':
        this.#outlet.write(pingAnswer(received.payload));
        return this.#pay();
      case 'nothing':
        return received.costs ? this.#pay() : undefined;
    }
  }

  #widen(streamId: number, increment: number): Violation | undefined {
    if (streamId !== 0) return this.#streams.widen(streamId, increment);
    if (increment >= progressBytes) this.#pace.moved();
    return this.#outlet.widen(increment) ? undefined : violation('FLOW_CONTROL_ERROR', 'a window above 2^31-1');
  }

  #change(payload: Buffer): Violation | undefined {
    const settings = readSettings(payload, this.#streams.settings);
    if ('is' in settings) return settings;
    this.#outlet.write(settingsAnswer);
    return this.#streams.obey(settings);
  }

  #pay(): Violation | undefined {
    return this.#patience.spend() ? undefined : violation('ENHANCE_YOUR_CALM', 'too many frames that ask for nothing');
  }

  /** A connection error (RFC 9113 section 5.4.1): the client is told, the record says it, and nothing more is read. */
  #refuse({ code, detail }: Violation): void {
    this.#host.violated(`${code}: ${detail}`);
    this.#outlet.write(goawayFrame(this.#streams.lastId, code));
    this.#streams.lost(deny('client-aborted', { detail: 'the connection broke the rules of HTTP/2' }));
    this.#linger();
  }

  #sweep(): void {
    const now = this.#host.now();
    const limits = this.#host.limits();
    if (this.#phase === 'closed') return;
    if (this.#phase === 'lingering') return this.#sweepLingering(now, limits);
    const left = this.#pace.hasLeft(now) && !this.#streams.answering;
    if (
      left ||
      this.#streams.sweep() ||
      this.#pace.isStuck(this.#outlet.blocked || this.#outlet.starved, limits, now)
    ) {
      return void this.#socket.destroy();
    }
    if (!this.#deferred && this.#pace.isSlow(this.#reader.incomplete, limits, now)) {
      return this.#refuse(violation('ENHANCE_YOUR_CALM', 'a frame or a block of fields took too long'));
    }
    if (this.#host.mustClose()) this.#lastCall();
    // Frames that ask for nothing keep no connection open.
    const isIdle = this.#streams.idle && this.#pace.isIdle(this.#streams.served, limits, now);
    if (isIdle || (this.#streams.idle && this.#host.ended() !== undefined)) this.#leave();
  }

  /** What was said last goes at the client's pace. */
  #sweepLingering(now: number, { writeIdleMs }: LimitsConfig): void {
    const limit = this.#socket.writableLength > 0 ? writeIdleMs : lingerMs;
    if (now - this.#phaseBegan > limit) this.#socket.destroy();
  }

  /** Requests may be on their way (RFC 9113 section 6.8): the client is told first, and those that come are served. */
  #lastCall(): void {
    if (this.#phase === 'open') {
      this.#enter('last-call');
      this.#outlet.write(goawayFrame(largestWindow, 'NO_ERROR'));
    }
    this.#lastCalls += 1;
    if (this.#phase === 'last-call' && this.#lastCalls > lastCallLooks) this.#leave();
  }

  #leave(): void {
    if (this.#phase !== 'open' && this.#phase !== 'last-call') return;
    this.#enter('leaving');
    this.#streams.close();
    this.#outlet.write(goawayFrame(this.#streams.lastId, 'NO_ERROR'));
    if (this.#streams.idle) this.#linger();
  }

  #emptied(): void {
    this.#pace.idleSince = this.#host.now();
    if (this.#phase === 'leaving' || this.#pace.halfClosedAt !== undefined) this.#linger();
  }

  #linger(): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return;
    this.#enter('lingering');
    this.#socket.end();
    this.#socket.resume();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseBegan = this.#host.now();
  }

  #drained(): void {
    this.#pace.moved();
    this.#outlet.drained();
  }

  #endOfInput(): void {
    this.#pace.halfClosedAt = this.#host.now();
    this.#streams.endOfInput(this.#judge.openBlock);
    if (this.#streams.idle) this.#linger();
  }

  #lost(): void {
    if (this.#phase === 'closed') return;
    const wasReading = this.#phase !== 'lingering' && this.#pace.halfClosedAt === undefined;
    this.#enter('closed');
    this.#streams.lost(this.#brokenOff ?? deny('client-aborted'));
    if (wasReading) this.#streams.endOfInput(this.#judge.openBlock);
  }
}
