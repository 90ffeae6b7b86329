import { arrive, type Quota, type Verdict } from './gcra.ts';
import { createSharedTable, openSharedTable, type SharedTableMemory, slotsFor } from './shared-table.ts';

/** The theoretical arrival time of each slot of the table, microseconds. */
export type QuotaMemory = { readonly table: SharedTableMemory; readonly tats: SharedArrayBuffer };

export type Quotas = {
  /**
   * Counts one request against the key's quota. `nowUs` is the process-wide monotonic clock (`process.hrtime`): worker threads
   * share its base, which `performance.now()` does not offer, and setting the wall clock does not move it.
   * `table-full` means that the request cannot be counted and must be refused.
   */
  readonly take: (key: string, quota: Quota, nowUs: number) => Verdict | 'table-full';
};

export function createQuotas(keys: number): QuotaMemory {
  return {
    table: createSharedTable(keys),
    tats: new SharedArrayBuffer(slotsFor(keys) * Float64Array.BYTES_PER_ELEMENT),
  };
}

/** What counts of the TAT that stands under a key. */
type CountingTat = (tatUs: number, quota: Quota, nowUs: number) => number;

export function openQuotas(memory: QuotaMemory, thread: number, counting: CountingTat = (tatUs) => tatUs): Quotas {
  const table = openSharedTable(memory.table, thread);
  const tats = new Float64Array(memory.tats);
  return {
    take: (key, quota, nowUs) => {
      const now = Math.floor(nowUs);
      const verdict = table.withSlot(
        key,
        (slot) => (tats[slot] ?? 0) <= now,
        (slot) => {
          // A claimed slot still has the TAT of its last owner, which is not in the future and so means "never seen".
          const arrival = arrive(counting(tats[slot] ?? 0, quota, now), quota, now);
          tats[slot] = arrival.tatUs;
          return arrival.verdict;
        },
      );
      return verdict ?? 'table-full';
    },
  };
}

/** The key of one identity's quota on one route. The length keeps two different pairs from making one key. */
export function quotaKey(identity: string, route: string): string {
  return `${identity.length}:${identity}${route}`;
}
