/** Says that something has changed, to one that waits. Rung twice before it is heard, it is heard once. */
export type Bell = {
  readonly ring: () => void;
  /** The last thing it says; `rung` answers false from then on. */
  readonly end: () => void;
  /** Waits for a ring; false when there will be none. */
  readonly rung: () => Promise<boolean>;
};

export function createBell(): Bell {
  let hasRung = false;
  let hasEnded = false;
  let wake = () => {};
  return {
    ring: () => {
      hasRung = true;
      wake();
    },
    end: () => {
      hasEnded = true;
      wake();
    },
    rung: async () => {
      if (!hasRung && !hasEnded) await new Promise<void>((resolve) => (wake = resolve));
      hasRung = false;
      return !hasEnded;
    },
  };
}
