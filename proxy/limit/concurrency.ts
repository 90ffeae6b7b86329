import {
  createSharedTable,
  openSharedTable,
  releaseTableLocks,
  type SharedTableMemory,
  slotsFor,
} from './shared-table.ts';
import { lock, releaseLocksOf, unlock } from './spin-lock.ts';

/**
 * How many things (requests, connections) are open at once, per identity and in total, exact across threads. Each
 * thread has a counter of its own in every slot and only ever changes that one; a limit looks at their sum. So what a
 * terminated thread held is found and zeroed without knowing what it was doing.
 */
export type ConcurrencyMemory = {
  readonly threads: number;
  readonly table: SharedTableMemory;
  /** `threads` counters for each slot of the table. */
  readonly counts: SharedArrayBuffer;
  /** One lock and `threads` counters. */
  readonly totalLock: SharedArrayBuffer;
  readonly totals: SharedArrayBuffer;
};

export type Caps = { readonly perIdentity: number; readonly total: number };

/** Something open that was counted. Releasing it a second time does nothing. */
export type Lease = { readonly release: () => void };

export type Concurrency = {
  readonly acquire: (identity: string, caps: Caps) => Lease | 'identity-limit' | 'total-limit' | 'table-full';
  /** For what has no identity yet: a connection before its handshake. */
  readonly acquireTotal: (total: number) => Lease | 'total-limit';
  readonly acquireIdentity: (identity: string, perIdentity: number) => Lease | 'identity-limit' | 'table-full';
  /** Open now, over all threads. */
  readonly total: () => number;
};

export function createConcurrency(identities: number, threads: number): ConcurrencyMemory {
  const words = (count: number) => new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT);
  return {
    threads,
    table: createSharedTable(identities),
    counts: words(slotsFor(identities) * threads),
    totalLock: words(1),
    totals: words(threads),
  };
}

export function openConcurrency(memory: ConcurrencyMemory, thread: number): Concurrency {
  const total = totalCounter(memory, thread);
  const own = identityCounter(memory, thread);
  return {
    acquireTotal: (limit) => (total.enter(limit) ? onceOnly(total.leave) : 'total-limit'),
    acquireIdentity: (identity, perIdentity) => {
      const slot = own.enter(identity, perIdentity);
      return typeof slot === 'string' ? slot : onceOnly(() => own.leave(slot));
    },
    acquire: (identity, caps) => {
      if (!total.enter(caps.total)) return 'total-limit';
      const slot = own.enter(identity, caps.perIdentity);
      if (typeof slot === 'string') {
        total.leave();
        return slot;
      }
      return onceOnly(() => {
        own.leave(slot);
        total.leave();
      });
    },
    total: total.open,
  };
}

function totalCounter(memory: ConcurrencyMemory, thread: number) {
  const locks = new Int32Array(memory.totalLock);
  const totals = new Int32Array(memory.totals);
  const open = () => sum(totals, 0, memory.threads);
  return {
    open,
    /** @returns whether there was room */
    enter: (limit: number): boolean => {
      if (!lock(locks, 0, thread)) return false;
      const room = open() < limit;
      if (room) Atomics.add(totals, thread, 1);
      unlock(locks, 0);
      return room;
    },
    leave: () => void Atomics.sub(totals, thread, 1),
  };
}

function identityCounter(memory: ConcurrencyMemory, thread: number) {
  const { threads } = memory;
  const table = openSharedTable(memory.table, thread);
  const counts = new Int32Array(memory.counts);
  const open = (slot: number) => sum(counts, slot * threads, threads);
  const isFree = (slot: number) => open(slot) === 0;
  return {
    /** @returns the slot to be left */
    enter: (identity: string, limit: number): number | 'identity-limit' | 'table-full' => {
      const slot = table.withSlot(identity, isFree, (own) => {
        if (open(own) >= limit) return -1;
        Atomics.add(counts, own * threads + thread, 1);
        return own;
      });
      if (slot === undefined) return 'table-full';
      return slot === -1 ? 'identity-limit' : slot;
    },
    // No lock: while this count stands nobody else may claim the slot, and nobody else writes this counter.
    leave: (slot: number) => void Atomics.sub(counts, slot * threads + thread, 1),
  };
}

function sum(counts: Int32Array, first: number, threads: number): number {
  let open = 0;
  for (let thread = 0; thread < threads; thread += 1) open += Atomics.load(counts, first + thread);
  return open;
}

function onceOnly(release: () => void): Lease {
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      release();
    },
  };
}

/** Frees the locks of a thread that has ended and closes everything it had open. */
export function releaseConcurrencyOf(memory: ConcurrencyMemory, thread: number): void {
  const counts = new Int32Array(memory.counts);
  // Written only where it counts: what is written to takes up memory, and of millions of places few were ever used.
  for (let at = thread; at < counts.length; at += memory.threads) if (counts[at] !== 0) Atomics.store(counts, at, 0);
  Atomics.store(new Int32Array(memory.totals), thread, 0);
  releaseLocksOf(new Int32Array(memory.totalLock), thread);
  releaseTableLocks(memory.table, thread);
}
