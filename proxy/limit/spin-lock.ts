/**
 * Locks in shared memory, one word each: 0 is free, otherwise the holder's thread index + 1. The word names its holder
 * so that the main thread can free what a terminated thread held (`releaseLocksOf`). Critical sections are a few dozen
 * instructions without allocation, and a thread never holds two locks, so there is nothing to deadlock on.
 */

/** Attempts before giving the processor away: a holder that is running is done long before. */
const SPINS = 200;

/** One nap; nobody notifies, since unlocking would pay for it on every request. */
const NAP_MS = 0.05;

/**
 * About 100 ms. A holder that lost its processor is back before; one that is gone for longer was terminated, and until
 * its locks are freed refusing beats stalling an event loop.
 */
const NAPS = 1000;

/** False when the lock cannot be had in time; the caller must refuse then (fail closed). */
export function lock(words: Int32Array, index: number, thread: number): boolean {
  const holder = thread + 1;
  for (let attempt = 0; attempt < SPINS; attempt += 1) {
    if (Atomics.compareExchange(words, index, 0, holder) === 0) return true;
  }
  for (let nap = 0; nap < NAPS; nap += 1) {
    const seen = Atomics.compareExchange(words, index, 0, holder);
    if (seen === 0) return true;
    Atomics.wait(words, index, seen, NAP_MS);
  }
  return false;
}

export function unlock(words: Int32Array, index: number): void {
  Atomics.store(words, index, 0);
}

/** Frees every lock of a thread that has ended; call it only after the worker's `exit` event. */
export function releaseLocksOf(words: Int32Array, thread: number): void {
  for (let index = 0; index < words.length; index += 1) Atomics.compareExchange(words, index, thread + 1, 0);
}
