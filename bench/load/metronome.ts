import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

export type Beat = {
  readonly shared: SharedArrayBuffer;
  readonly ratePerSecond: number;
  readonly total: number;
  /** Of the clock that all threads share. */
  readonly originMs: number;
};

/** Cells of the shared memory. */
export const beats = 0;
export const isStopped = 1;

/** The same in every thread of this process, unlike `performance.now()`. */
export function sharedNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Time for the thread to start before the first beat. */
const headStartMs = 150;

/**
 * Calls back for each request with the moment at which it was due. The timers of the event loop are whole milliseconds, which is
 * longer than most requests take, and to spin between two requests would take the processor from the target; so a thread of
 * its own sleeps to the microsecond and wakes this one.
 */
export function startMetronome(ratePerSecond: number, total: number, due: (fromMs: number) => void) {
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  const originMs = sharedNowMs() + headStartMs;
  const originHere = performance.now() + headStartMs;
  const workerData: Beat = { shared, ratePerSecond, total, originMs };
  const worker = new Worker(new URL(`./metronome-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData,
    execArgv: [],
  });
  const ended = once(worker, 'exit');
  const hear = async () => {
    let heard = 0;
    while (heard < total) {
      const woken = Atomics.waitAsync(cells, beats, heard);
      if (woken.async) await woken.value;
      if (Atomics.load(cells, isStopped) === 1) return;
      const beaten = Atomics.load(cells, beats);
      for (; heard < beaten; heard++) due(originHere + (heard * 1000) / ratePerSecond);
    }
  };
  const hearing = hear();
  return {
    stop: async () => {
      Atomics.store(cells, isStopped, 1);
      Atomics.notify(cells, beats);
      await worker.terminate();
      await Promise.all([ended, hearing]);
    },
  };
}
