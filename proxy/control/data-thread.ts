import { extname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { ProxyError } from '../errors.ts';
import { createHeartbeat, type HeartbeatMemory } from '../data/heartbeat.ts';
import type { Order, Report, ThreadBegin, ThreadStart } from '../data/messages.ts';
import type { Rules } from '../snapshot-data.ts';
import { withinSampleTime } from './policy-trial.ts';
import { prepareMs } from './watchdog.ts';

export type ThreadEvents = {
  readonly report: (report: Extract<Report, { is: 'audit' | 'differed' | 'log' | 'measured' }>) => void;
  /** The thread ended although nobody had asked it to. */
  readonly crashed: (cause: string) => void;
};

/** Why a snapshot cannot be judged by, with the code of its catalogue where there is one. */
export type Problem = { readonly code: string | undefined; readonly message: string };

const measureMs = 500;

// The same file in TypeScript here and in JavaScript in the image.
const entry = new URL(`../data/thread${extname(import.meta.url)}`, import.meta.url);

/** A thread that has loaded its code, or is about to, and waits to be told what it is to serve. */
export type BootedThread = {
  readonly index: number;
  readonly worker: Worker;
  readonly heartbeat: HeartbeatMemory;
  readonly first: ReturnType<typeof firstReport>;
};

/**
 * What V8 has to be told before a data thread is made; what each costs without it stands in bench/README.md.
 *
 * It collects again and again in a thread that has had nothing to do for some seconds, and with each time throws away more of what it
 * has compiled: the next requests cost a third more. A thread asks when it is made, so the main one keeps it.
 *
 * Node reads each TLS record of an upload into memory of its own. With a limit of its own for such memory V8 marks all old objects
 * every few dozen megabytes; counted with the heap, a scavenge, which is all that it takes, comes first.
 *
 * Left alone it lets old objects grow to four times what lives before it collects them, and keeps their pages: to twice with 100 %.
 */
export const dataThreadFlags = [
  '--no-memory-reducer',
  '--external-memory-accounted-in-global-limit',
  '--heap-growing-percent=100',
] as const;

/** Begun before it is known what it is to serve: it loads its code meanwhile, and the main thread reads its configuration. */
export function bootDataThread(index = 0): BootedThread {
  for (const flag of dataThreadFlags) setFlagsFromString(flag);
  const heartbeat = createHeartbeat();
  const worker = new Worker(entry, { name: `data-${index}`, workerData: heartbeat, stdout: false, stderr: false });
  return { index, worker, heartbeat, first: firstReport(worker) };
}

/** Has it compile what it will judge by. What is wrong with that is said by `startDataThread`, which has to follow. */
export function beginDataThread(booted: BootedThread, node: string, rules: Rules): BootedThread {
  const { config, policy, schemas, policyBad } = rules;
  const begin: ThreadBegin = { index: booted.index, node, rules: { config, policy, schemas, policyBad } };
  booted.worker.postMessage(begin);
  return booted;
}

/** Tells a thread that has begun what to serve with, and waits until it listens. Throws ProxyError when it cannot. */
export async function startDataThread(
  start: ThreadStart,
  events: ThreadEvents,
  booted: BootedThread,
): Promise<DataThread> {
  const { worker } = booted;
  worker.postMessage(start);
  const first = await withinSampleTime(worker, booted.heartbeat, booted.first);
  if (first.is === 'listening') return new DataThread(booted, events);
  await worker.terminate();
  throw startError(first, start.listen);
}

/** The main thread's end of a data thread that listens. */
export class DataThread {
  readonly index: number;
  readonly heartbeat: HeartbeatMemory;
  readonly #worker: Worker;
  #expectedToEnd = false;
  #ended = false;
  #asked = 0;

  constructor({ index, worker, heartbeat }: BootedThread, events: ThreadEvents) {
    this.index = index;
    this.heartbeat = heartbeat;
    this.#worker = worker;
    let cause = 'it ended';
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
      // The record has one line; whoever looks for the bug needs the stack.
      const fields = { thread: index, cause: error instanceof Error ? error : cause };
      events.report({ is: 'log', level: 'error', event: 'thread.crashed', fields });
    });
    worker.on('exit', () => {
      this.#ended = true;
      if (!this.#expectedToEnd) events.crashed(cause);
    });
    worker.on('message', (report: Report) => {
      // What was counted is taken whenever it comes: the thread has begun anew by then.
      if (unasked(report)) events.report(report);
    });
  }

  send(order: Order): void {
    this.#worker.postMessage(order);
  }

  /**
   * Resolves to undefined when the thread can judge by the snapshot, to the problem when it cannot, and to `gone` when
   * the thread ended instead: its successor begins with the new one.
   */
  async prepare(order: Extract<Order, { do: 'prepare' }>): Promise<Problem | 'gone' | undefined> {
    const wanted = await this.#ask(order, prepareMs, (report) =>
      report.is === 'prepared' && report.digest === order.digest ? report : undefined,
    );
    if (wanted !== undefined) return wanted.problem;
    return this.#ended ? 'gone' : { code: 'thread-busy', message: 'a data thread did not answer' };
  }

  /** Resolves when the thread has reported what it counted, or is too busy to. */
  async measure(): Promise<void> {
    this.#asked += 1;
    const request = this.#asked;
    await this.#ask({ do: 'measure', request }, measureMs, (report) =>
      report.is === 'measured' && report.request === request ? report : undefined,
    );
  }

  async drain(): Promise<void> {
    this.#expectedToEnd = true;
    await this.#ask({ do: 'drain' }, undefined, (report) => (report.is === 'drained' ? report : undefined));
    await this.#worker.terminate();
  }

  /** Ends it wherever it is. */
  async terminate(): Promise<void> {
    this.#expectedToEnd = true;
    await this.#worker.terminate();
  }

  #ask<T>(order: Order, withinMs: number | undefined, pick: (report: Report) => T | undefined): Promise<T | undefined> {
    return answer(this.#worker, withinMs, () => this.send(order), pick);
  }
}

function unasked(report: Report): report is Parameters<ThreadEvents['report']>[0] {
  return report.is === 'audit' || report.is === 'differed' || report.is === 'log' || report.is === 'measured';
}

function firstReport(worker: Worker): Promise<Extract<Report, { is: 'listening' | 'failed-to-start' }>> {
  return new Promise((resolve) => {
    const failed = (message: string, code?: string, remedy?: string) =>
      resolve({ is: 'failed-to-start', code, message, remedy });
    worker.once('error', (error) => {
      // Of an error of a catalogue the class is gone, and the fields have come along.
      const { code, message, remedy } = error as NodeJS.ErrnoException & { readonly remedy?: string };
      failed(message, code, remedy);
    });
    worker.once('exit', () => failed('a data thread ended before it listened'));
    worker.on('message', (report: Report) => {
      if (report.is === 'listening' || report.is === 'failed-to-start') resolve(report);
    });
  });
}

/** The first report that `pick` takes; undefined when the thread ends or the time is up. */
function answer<T>(
  worker: Worker,
  withinMs: number | undefined,
  ask: () => void,
  pick: (report: Report) => T | undefined,
): Promise<T | undefined> {
  return new Promise((resolve) => {
    const finish = (value: T | undefined) => {
      clearTimeout(timer);
      worker.off('message', listen);
      worker.off('exit', gone);
      resolve(value);
    };
    const gone = () => finish(undefined);
    const listen = (report: Report) => {
      const value = pick(report);
      if (value !== undefined) finish(value);
    };
    const timer = withinMs === undefined ? undefined : setTimeout(gone, withinMs);
    worker.on('message', listen);
    worker.on('exit', gone);
    ask();
  });
}

type Failure = Extract<Report, { is: 'failed-to-start' }>;

function startError({ code, message, remedy }: Failure, { host, port }: ThreadStart['listen']): Error {
  if (code === 'EADDRINUSE') return new ProxyError('port-in-use', `listen: another process listens on ${host}:${port}`);
  // A mistake that an operator can correct stays one, whichever thread has found it.
  return remedy === undefined ? new Error(message) : Object.assign(new Error(message), { code, remedy });
}
