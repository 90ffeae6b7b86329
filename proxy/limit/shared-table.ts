import { type KeyDigest, newSeed, rememberingDigest } from './key-digest.ts';
import { lock, releaseLocksOf, unlock } from './spin-lock.ts';

/**
 * A set-associative hash table in shared memory, exact across threads. A key may live only in its own bucket of 64
 * slots, and each bucket has one lock. Nothing live is ever evicted: an attacker who could push a counter out would
 * have a fresh quota, so a full bucket refuses newcomers instead.
 */
export type SharedTableMemory = {
  readonly seed: string;
  readonly locks: SharedArrayBuffer;
  readonly tags: SharedArrayBuffer;
};

const SLOTS = 64;

/**
 * Keys per bucket when as many keys are live as the table was made for. With a Poisson mean of 24, a bucket gets a 65th
 * key with a probability of 10^-11: "room for 100,000" holds for any 100,000 keys.
 */
const MEAN_LOAD = 24;

const TAG_WORDS = 4;

export function slotsFor(keys: number): number {
  return Math.ceil(keys / MEAN_LOAD) * SLOTS;
}

/** Pages are committed by the system as they are touched, so an idle table costs next to nothing. */
export function createSharedTable(keys: number): SharedTableMemory {
  const slots = slotsFor(keys);
  return {
    seed: newSeed(),
    locks: new SharedArrayBuffer((slots / SLOTS) * Int32Array.BYTES_PER_ELEMENT),
    tags: new SharedArrayBuffer(slots * TAG_WORDS * Uint32Array.BYTES_PER_ELEMENT),
  };
}

/** True when the slot's content counts for nothing, which makes it free. Called under the bucket's lock. */
export type IsFree = (slot: number) => boolean;

export type SharedTable = {
  /**
   * Runs `work` on the key's slot under its bucket's lock. The slot is the key's own or a free one that now bears its
   * tag; in a free one the values of the previous owner may still stand. Undefined when there is no room, or when
   * the lock could not be had: refuse.
   */
  readonly withSlot: <T>(key: string, isFree: IsFree, work: (slot: number) => T) => T | undefined;
};

export function openSharedTable(memory: SharedTableMemory, thread: number): SharedTable {
  const locks = new Int32Array(memory.locks);
  const tags = new Uint32Array(memory.tags);
  const digestOf = rememberingDigest(memory.seed);
  return {
    withSlot: (key, isFree, work) => {
      const digest = digestOf(key);
      const bucket = digest.place % locks.length;
      if (!lock(locks, bucket, thread)) return undefined;
      try {
        const first = bucket * SLOTS;
        const slot = find(tags, first, digest) ?? claim(tags, first, digest, isFree);
        return slot === undefined ? undefined : work(slot);
      } finally {
        unlock(locks, bucket);
      }
    },
  };
}

function find(tags: Uint32Array, first: number, { tag }: KeyDigest): number | undefined {
  for (let slot = first; slot < first + SLOTS; slot += 1) {
    const at = slot * TAG_WORDS;
    if (tags[at] === tag[0] && tags[at + 1] === tag[1] && tags[at + 2] === tag[2] && tags[at + 3] === tag[3]) {
      return slot;
    }
  }
  return undefined;
}

/**
 * The tag is written before any value, so a thread that is terminated half-way leaves a free slot with an odd tag
 * behind and nothing that counts.
 */
function claim(tags: Uint32Array, first: number, { tag }: KeyDigest, isFree: IsFree): number | undefined {
  for (let slot = first; slot < first + SLOTS; slot += 1) {
    if (!isFree(slot)) continue;
    tags.set(tag, slot * TAG_WORDS);
    return slot;
  }
  return undefined;
}

/** Frees the locks of a thread that has ended. */
export function releaseTableLocks(memory: SharedTableMemory, thread: number): void {
  releaseLocksOf(new Int32Array(memory.locks), thread);
}
