/**
 * Bytes of bodies that a thread holds to judge them whole. Each body has its own cap, and each identity its number of
 * requests at once; only this bounds their product, so that many bodies that never end cannot take all memory.
 */
export type HeldBytes = { readonly hold: () => Hold };

/** What one exchange holds. Releasing it a second time does nothing. */
export type Hold = {
  /** @returns false when there is no room for so many more */
  readonly add: (bytes: number) => boolean;
  readonly release: () => void;
};

/**
 * @param limit the most that may be held now; asked each time, because a reload may change it
 * @param wanted told of each piece that asks for room: somebody is at work
 */
export function countHeldBytes(limit: () => number, wanted: () => void = () => undefined): HeldBytes {
  let held = 0;
  return {
    hold: () => {
      let own = 0;
      return {
        add: (bytes) => {
          wanted();
          if (held + bytes > limit()) return false;
          held += bytes;
          own += bytes;
          return true;
        },
        release: () => {
          held -= own;
          own = 0;
        },
      };
    },
  };
}
