import type { Socket } from 'node:net';
import type { WorkloadConfig } from '../config/config.ts';
import { type Denial, deny } from '../denial.ts';
import { oneBuffer } from '../http1/message-bytes.ts';
import type { RequestFraming } from '../http1/request-head.ts';
import { requestHead } from '../http1/request-writer.ts';
import { ResponseReader } from '../http1/response-reader.ts';
import { connectionFailure } from './failure.ts';
import { keepAliveMs } from './keep-alive.ts';
import type { Link, OpenLink } from './link.ts';
import { borrowMemory, giveBack, largeRead, sharedMemory } from './read-memory.ts';
import { sendStreamed } from './request-body.ts';
import { lateness, type Waiting, type WaitLimits, waitLimits } from './waiting.ts';
import type { Carrier, WorkloadExchange, WorkloadRequest } from './workload-exchange.ts';

/** What a connection tells its pool. */
export type ConnectionEvents = {
  /** It can take an exchange: it has just been opened, or its last one is over. */
  readonly free: (connection: WorkloadConnection) => void;
  /** It is gone; with the reason, where it had never been open. */
  readonly closed: (connection: WorkloadConnection, neverOpened: Denial | undefined) => void;
};

/** One connection to the workload: one request at a time, never pipelined, nothing sent twice. */
export class WorkloadConnection {
  readonly #limits: WaitLimits;
  readonly #events: ConnectionEvents;
  readonly #link: Link;
  readonly #socket: Socket;
  #exchange: WorkloadExchange | undefined;
  #reader: ResponseReader | undefined;
  #requestComplete = true;
  #requestsLeft: number;
  #opened = false;
  #failure: Denial | undefined;
  #waiting: Waiting = 'connect';
  #msLeft: number;
  #keepAliveMs = 0;
  #paused = false;
  /** Read into in place of the shared one while a large body comes. */
  #own: Buffer | undefined;

  readonly #carrier: Carrier = {
    pause: () => void (this.#paused = true),
    resume: () => {
      this.#paused = false;
      this.#socket.resume();
    },
    drop: () => this.close(),
  };

  constructor(workload: WorkloadConfig, openLink: OpenLink, events: ConnectionEvents) {
    this.#limits = waitLimits(workload);
    this.#requestsLeft = workload.maxRequestsPerConnection ?? Infinity;
    this.#events = events;
    this.#msLeft = this.#limits.connect;
    this.#link = openLink({
      buffer: () => this.#own ?? sharedMemory,
      callback: (length: number) => this.#read(length),
    });
    this.#socket = this.#link.socket;
    this.#socket.on(this.#link.opensWith, () => this.#connected());
    this.#socket.on('drain', () => this.#drained());
    this.#socket.on('end', () => this.#endOfInput());
    this.#socket.on('error', (error) => {
      this.#failure ??= this.#opened ? connectionFailure(error) : this.#link.failure(error);
    });
    this.#socket.on('close', () => this.#closed());
  }

  /**
   * False once the workload has ended it, which is when we close it: what we would then write may be lost, and may not be
   * sent again. And once it is not good for another request, when it has rested.
   */
  get usable(): boolean {
    return this.#stands && this.#socket.writableLength === 0;
  }

  get #stands(): boolean {
    return !this.#socket.destroyed && this.#link.over(false) === undefined;
  }

  send(exchange: WorkloadExchange): void {
    this.#exchange = exchange;
    this.#requestsLeft -= 1;
    this.#reader = new ResponseReader(exchange.request.method);
    this.#wait('head');
    exchange.beginAt(this.#carrier, this.#link.peer());
    this.#write(exchange);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Called by the pool's clock, with the time since the last call. */
  tick(ms: number): void {
    this.#exchange?.tick(ms);
    const over = this.#link.over(this.#exchange !== undefined);
    if (over !== undefined) return this.#end(over);
    // A slow client is not a slow workload, unless the workload has stopped taking what there is.
    if (this.#paused || (!this.#requestComplete && !this.#socket.writableNeedDrain)) return;
    this.#msLeft -= ms;
    if (this.#msLeft > 0) return;
    this.#end(this.#waiting === 'connect' ? this.#link.failure() : lateness(this.#waiting));
  }

  #end(failure: Denial | undefined): void {
    this.#failure ??= failure;
    this.close();
  }

  #wait(what: Waiting): void {
    this.#waiting = what;
    this.#msLeft = what === 'next' ? this.#keepAliveMs : this.#limits[what];
  }

  #write(exchange: WorkloadExchange): void {
    const { request } = exchange;
    const { body } = request;
    const head = requestHead(request, framingOf(body), this.#requestsLeft === 0);
    if (body === undefined) this.#socket.write(head, 'latin1');
    else if (Buffer.isBuffer(body)) this.#writeWhole(head, body);
    else {
      this.#requestComplete = false;
      sendStreamed(head, body, this.#socket, {
        // Each piece gives the workload its time anew.
        progressed: () => this.#wait(this.#waiting),
        complete: () => {
          this.#requestComplete = true;
          this.#wait(this.#waiting);
        },
        failed: (denial) => exchange.cancel(denial),
      });
    }
  }

  #writeWhole(head: string, body: Buffer): void {
    const whole = oneBuffer(head, body);
    if (whole !== undefined) return void this.#socket.write(whole);
    this.#socket.cork();
    this.#socket.write(head, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
  }

  #connected(): void {
    const refusal = this.#link.refusal();
    if (refusal !== undefined) return this.#end(refusal);
    this.#opened = true;
    this.#keepAliveMs = this.#limits.connect;
    this.#wait('next');
    this.#events.free(this);
  }

  #drained(): void {
    this.#source?.resume();
  }

  get #source() {
    const body = this.#exchange?.request.body;
    return body === undefined || Buffer.isBuffer(body) ? undefined : body.source;
  }

  /** @returns whether to read on */
  #read(length: number): boolean {
    const reader = this.#reader;
    // Nobody asked: an answer that is pushed would be taken for that to the next request (CVE-2026-6733).
    if (reader === undefined) return this.#cut();
    const arrived = reader.read((this.#own ?? sharedMemory).subarray(0, length));
    if ('code' in arrived) {
      this.#failure = arrived;
      return this.#cut();
    }
    if (arrived.head !== undefined) this.#keepAliveMs = keepAliveMs(arrived.head.headers);
    if (arrived.head !== undefined || arrived.data.length > 0) this.#wait('body');
    if (this.#exchange?.arrived(arrived, this.#own)) this.#own = undefined;
    this.#chooseMemory(!arrived.done && length >= largeRead);
    // Bytes behind the end are the beginning of an answer to nothing.
    if (arrived.done) this.#finish(reader.keepsConnection && arrived.consumed === length);
    return !this.#paused;
  }

  /** For the next read, as the one before it was. */
  #chooseMemory(isLarge: boolean): void {
    if (isLarge) this.#own ??= borrowMemory();
    else if (this.#own !== undefined) {
      giveBack(this.#own);
      this.#own = undefined;
    }
  }

  #endOfInput(): void {
    const failure = this.#reader?.endOfInput();
    if (this.#reader !== undefined && failure === undefined) {
      this.#exchange?.arrived({ head: undefined, data: [], consumed: 0, done: true });
      return this.#finish(false);
    }
    this.#end(failure);
  }

  /** An answer that came before its request was written leaves the rest of that on the wire: then it was the last. */
  #finish(keep: boolean): void {
    const written = this.#link.tellsLate || this.#socket.writableLength === 0;
    const reusable = keep && this.#requestComplete && written && this.#stands;
    this.#source?.pause();
    this.#exchange = undefined;
    this.#reader = undefined;
    // TLS hands on what it has decrypted by then, the end too, after it was told to stop reading.
    if (this.#paused) this.#carrier.resume();
    if (!reusable || this.#requestsLeft === 0 || this.#keepAliveMs <= 0) return this.close();
    this.#wait('next');
    this.#events.free(this);
  }

  #cut(): false {
    this.#reader = undefined;
    this.close();
    return false;
  }

  #closed(): void {
    const failure = this.#failure ?? deny('upstream-reset', { detail: 'the connection to the workload was lost' });
    this.#source?.pause();
    this.#exchange?.failed(failure);
    this.#exchange = undefined;
    this.#reader = undefined;
    this.#events.closed(this, this.#opened ? undefined : failure);
  }
}

function framingOf(body: WorkloadRequest['body']): RequestFraming {
  if (body === undefined) return { kind: 'none' };
  const bytes = Buffer.isBuffer(body) ? body.length : body.source.declaredBytes;
  return bytes === undefined ? { kind: 'chunked' } : { kind: 'length', bytes };
}
