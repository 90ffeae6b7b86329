/** Says that something has changed, to one that waits. Rung twice before it is heard, it is heard once. */
export type Bell = {
  readonly ring: () => void;
  /** Nobody needs to hear it any more; `rung` answers false from then on. */
  readonly end: () => void;
  /** There is nothing more to hear; `rung` throws the error from then on. */
  readonly fail: (error: unknown) => void;
  /** Waits for a ring; false when there will be none. */
  readonly rung: () => Promise<boolean>;
};

export function createBell(): Bell {
  let hasRung = false;
  let hasEnded = false;
  let failure: { readonly error: unknown } | undefined;
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
    fail: (error) => {
      failure ??= { error };
      wake();
    },
    rung: async () => {
      if (!hasRung && !hasEnded && failure === undefined) await new Promise<void>((resolve) => (wake = resolve));
      hasRung = false;
      if (failure !== undefined && !hasEnded) throw failure.error;
      return !hasEnded;
    },
  };
}
