import type { WorkloadConfig } from '../config/config.ts';
import type { Denial } from '../denial.ts';
import { type Breaker, noBreaker } from './breaker.ts';
import type { OpenLink } from './link.ts';
import { inTicks, tickMs } from './waiting.ts';
import { WorkloadConnection } from './workload-connection.ts';
import type { Carrier, WorkloadExchange } from './workload-exchange.ts';

/** Where `forward` sends a request. */
export type WorkloadPool = {
  /** Who is asked over it. */
  readonly workload: WorkloadConfig;
  /** Asked before each request whether there may be one. */
  readonly breaker: Breaker;
  /** Who is asked while the breaker is open. */
  readonly standby: WorkloadPool | undefined;
  /** @param timeoutMs after which it is over, wherever it is */
  readonly dispatch: (exchange: WorkloadExchange, timeoutMs: number) => void;
  /** Another takes its place: what is under way goes on, and its breakers say nothing any more. */
  readonly retire: () => void;
  /** Ends every connection, those to the standby too. */
  readonly close: () => void;
};

export type PoolParts = { readonly breaker?: Breaker | undefined; readonly standby?: WorkloadPool | undefined };

export function openPool(workload: WorkloadConfig, openLink: OpenLink, parts: PoolParts = {}): WorkloadPool {
  return new Pool(workload, openLink, parts);
}

/**
 * Connections to the workload, each with at most one request on it. Who finds none free waits for the next one in order. A
 * request is sent once: whether the workload acted on one that was lost, only the client can find out.
 */
class Pool implements WorkloadPool {
  readonly workload: WorkloadConfig;
  readonly breaker: Breaker;
  readonly standby: WorkloadPool | undefined;
  readonly #openLink: OpenLink;
  readonly #connections = new Set<WorkloadConnection>();
  readonly #connecting = new Set<WorkloadConnection>();
  /** The one that was used last is taken first: the others may end. */
  readonly #idle: WorkloadConnection[] = [];
  /** Those whose answer came in this turn of the event loop. */
  #resting: WorkloadConnection[] = [];
  readonly #waiting = new Set<WorkloadExchange>();
  #clock: NodeJS.Timeout | undefined;

  constructor(workload: WorkloadConfig, openLink: OpenLink, { breaker = noBreaker, standby }: PoolParts) {
    this.workload = workload;
    this.breaker = breaker;
    this.standby = standby;
    this.#openLink = openLink;
  }

  dispatch(exchange: WorkloadExchange, timeoutMs: number): void {
    this.#clock ??= setInterval(() => this.#tick(), tickMs).unref();
    exchange.endAfter(inTicks(timeoutMs));
    const connection = this.#takeIdle();
    if (connection !== undefined) return connection.send(exchange);
    exchange.waitAt(this.#queue(exchange));
    this.#waiting.add(exchange);
    this.#connect();
  }

  retire(): void {
    this.breaker.retire();
    this.standby?.retire();
  }

  close(): void {
    for (const connection of this.#connections) connection.close();
    this.standby?.close();
  }

  #queue(exchange: WorkloadExchange): Carrier {
    const nothing = () => undefined;
    return { pause: nothing, resume: nothing, drop: () => void this.#waiting.delete(exchange) };
  }

  #takeIdle(): WorkloadConnection | undefined {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined || connection.usable) return connection;
    }
  }

  /** One attempt for each who waits, so that a workload that is not there is asked once for each request. */
  #connect(): void {
    const missing = () => this.#waiting.size - this.#connecting.size - this.#resting.length;
    while (missing() > 0 && this.#connections.size < this.workload.maxConnections) {
      const connection: WorkloadConnection = new WorkloadConnection(this.workload, this.#openLink, {
        free: (free) => this.#freed(free),
        closed: (closed, neverOpened) => this.#closed(closed, neverOpened),
      });
      this.#connections.add(connection);
      this.#connecting.add(connection);
    }
  }

  /**
   * One that has just answered rests until the turn ends: what the workload sent right behind its answer, its end or an
   * answer that nobody asked for, is seen before the next request is lost to it.
   */
  #freed(connection: WorkloadConnection): void {
    if (this.#connecting.delete(connection)) return this.#serveNext(connection);
    this.#resting.push(connection);
    if (this.#resting.length === 1) setImmediate(() => this.#rested());
  }

  #rested(): void {
    const rested = this.#resting;
    this.#resting = [];
    for (const connection of rested) {
      if (connection.usable) this.#serveNext(connection);
      else connection.close();
    }
    this.#connect();
  }

  #serveNext(connection: WorkloadConnection): void {
    const next = this.#takeWaiting();
    if (next === undefined) this.#idle.push(connection);
    else connection.send(next);
  }

  #closed(connection: WorkloadConnection, neverOpened: Denial | undefined): void {
    this.#connections.delete(connection);
    this.#connecting.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
    if (neverOpened !== undefined) this.#tell(neverOpened);
    this.#connect();
  }

  #tell(neverOpened: Denial): void {
    const next = this.#takeWaiting();
    if (next === undefined) this.breaker.missed();
    else next.failed(neverOpened);
  }

  #takeWaiting(): WorkloadExchange | undefined {
    const [next] = this.#waiting;
    if (next !== undefined) this.#waiting.delete(next);
    return next;
  }

  /** Counted, not read from a clock: a process that stood still does not blame the workload for it. */
  #tick(): void {
    for (const connection of this.#connections) connection.tick(tickMs);
    for (const exchange of this.#waiting) exchange.tick(tickMs);
    if (this.#connections.size + this.#waiting.size > 0) return;
    clearInterval(this.#clock);
    this.#clock = undefined;
  }
}
