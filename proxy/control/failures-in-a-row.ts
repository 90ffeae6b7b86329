import { backoffMs } from '../../certs/sources/schedule.ts';

/** How long to wait before a successor is tried (again): after the first failure in a row, and at most. */
const retryMs = { first: 100, most: 10_000 } as const;
/** A thread that lived this long has not failed in a row. */
const settledMs = 10_000;

/** How long to wait before the next try: nothing after a first failure, ever longer while they follow each other. */
export function failuresInARow() {
  const counts = new Map<number, { count: number; forget: NodeJS.Timeout }>();
  return {
    add: (index: number): number => {
      const before = counts.get(index);
      clearTimeout(before?.forget);
      const count = (before?.count ?? 0) + 1;
      counts.set(index, { count, forget: setTimeout(() => counts.delete(index), settledMs).unref() });
      return count === 1 ? 0 : backoffMs(count - 1, retryMs);
    },
  };
}
