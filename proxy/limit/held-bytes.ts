/**
 * Bytes of bodies that are held to be judged whole, exact over all data threads. Each body has its own cap, and each identity
 * its number of requests at once; only this bounds their product, so that many bodies that never end cannot take all memory.
 */
export type HeldBytes = { readonly hold: () => Hold };

/** A 64-bit counter for each thread, which only that one changes: what a terminated thread held is found and zeroed. */
export type HeldBytesMemory = SharedArrayBuffer;

/** What one exchange holds. Releasing it a second time does nothing. */
export type Hold = {
  /** @returns false when there is no room for so many more */
  readonly add: (bytes: number) => boolean;
  readonly release: () => void;
};

export function createHeldBytes(threads: number): HeldBytesMemory {
  return new SharedArrayBuffer(threads * BigInt64Array.BYTES_PER_ELEMENT);
}

/**
 * @param limit the most that may be held now; asked each time, because a reload may change it
 * @param wanted told how much one exchange wants to hold, with each piece: somebody is at work
 */
export function countHeldBytes(
  limit: () => number,
  wanted: (bytes: number) => void = () => undefined,
  { memory, thread } = { memory: createHeldBytes(1), thread: 0 },
): HeldBytes {
  const counts = new BigInt64Array(memory);
  // Added before all are looked at: of two threads that want the last room, one at least sees the other.
  const add = (bytes: number): boolean => {
    Atomics.add(counts, thread, BigInt(bytes));
    if (sum(counts) <= limit()) return true;
    Atomics.sub(counts, thread, BigInt(bytes));
    return false;
  };
  return {
    hold: () => {
      let own = 0;
      return {
        add: (bytes) => {
          wanted(own + bytes);
          if (!add(bytes)) return false;
          own += bytes;
          return true;
        },
        release: () => {
          Atomics.sub(counts, thread, BigInt(own));
          own = 0;
        },
      };
    },
  };
}

function sum(counts: BigInt64Array): number {
  let all = 0;
  for (let thread = 0; thread < counts.length; thread += 1) all += Number(Atomics.load(counts, thread));
  return all;
}

/** Gives back what a thread held that has ended. */
export function releaseHeldBytesOf(memory: HeldBytesMemory, thread: number): void {
  Atomics.store(new BigInt64Array(memory), thread, 0n);
}
