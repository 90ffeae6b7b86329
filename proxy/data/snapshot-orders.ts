import type { Order, Report } from './messages.ts';

export type SnapshotOrder = Extract<Order, { do: 'prepare' | 'commit' | 'judge-by' }>;

export type SnapshotOrderParts<Ready> = {
  /** A snapshot is compiled whole before anything is judged by it. */
  readonly ready: (packed: Uint8Array) => Promise<Ready>;
  readonly judgeBy: (ready: Ready) => void;
  readonly report: (prepared: Extract<Report, { is: 'prepared' }>) => void;
};

/**
 * What a thread is told of snapshots, one order after the other however long each takes: one that overtook another would
 * leave a policy in force that was condemned. One that cannot be prepared leaves the old one in force; one that must be
 * judged by and cannot ends the thread, and its successor begins with it.
 */
export function snapshotOrders<Ready>({ ready, judgeBy, report }: SnapshotOrderParts<Ready>) {
  let prepared: { readonly digest: string; readonly ready: Ready } | undefined;
  const prepare = async ({ digest, packed }: Extract<Order, { do: 'prepare' }>) => {
    prepared = undefined;
    let problem: Extract<Report, { is: 'prepared' }>['problem'];
    try {
      prepared = { digest, ready: await ready(packed) };
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException;
      problem = { code, message };
    }
    report({ is: 'prepared', digest, problem });
  };
  const commit = (digest: string) => {
    if (prepared?.digest !== digest) return;
    judgeBy(prepared.ready);
    prepared = undefined;
  };
  const obey = async (order: SnapshotOrder) => {
    if (order.do === 'prepare') await prepare(order);
    else if (order.do === 'commit') commit(order.digest);
    // What a swap has prepared stays: its commit may be on the way.
    else judgeBy(await ready(order.packed));
  };
  let last: Promise<void> = Promise.resolve();
  return (order: SnapshotOrder): void => {
    last = last.then(() => obey(order));
  };
}
