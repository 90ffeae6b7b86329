import { type Lane, type LaneUser, nobody, openLane } from './lane.ts';
import { type Target, targetText } from './target.ts';

/** Kept-alive connections to one target, each with at most one request on it. */
export type Pool = {
  readonly lanes: readonly Lane[];
  /** From now on this one hears of the lanes. */
  readonly use: (user: LaneUser) => void;
  readonly alive: () => number;
  readonly close: () => void;
};

/** The target cannot be reached, or refuses who asks. */
export class TargetLost extends Error {}

/** So many handshakes at a time: more would wait in line at the target and run into its limit for a handshake. */
const atOnce = 32;

/** Resolves when all connections are open; rejects with TargetLost at the first that cannot be. */
export async function openPool(target: Target, connections: number): Promise<Pool> {
  let user = nobody;
  const lanes = Array.from({ length: connections }, (_, number) => openLane(target, number, () => user));
  const pool: Pool = {
    lanes,
    use: (next) => {
      user = next;
    },
    alive: () => lanes.filter((lane) => lane.isOpen()).length,
    close: () => {
      user = nobody;
      for (const lane of lanes) lane.close();
    },
  };
  try {
    await new Promise<void>((resolve, reject) => {
      let begun = 0;
      let ready = 0;
      const begin = () => lanes[begun++]?.reopen();
      pool.use({
        ...nobody,
        free: () => {
          ready += 1;
          if (ready === connections) resolve();
          else begin();
        },
        lost: (reason) => reject(new TargetLost(`${targetText(target)}: ${reason}`)),
      });
      for (let first = 0; first < Math.min(atOnce, connections); first++) begin();
    });
  } catch (cause) {
    pool.close();
    throw cause;
  }
  pool.use(nobody);
  return pool;
}
