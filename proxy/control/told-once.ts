/** The same complaint is made once, however often the same is tried in vain. */
export type ToldOnce = {
  /** Whether it has not been told yet; from now on it has. */
  readonly isNews: (complaint: string) => boolean;
  readonly forget: () => void;
};

export function toldOnce(): ToldOnce {
  const told = new Set<string>();
  return {
    isNews: (complaint) => told.size < told.add(complaint).size,
    forget: () => told.clear(),
  };
}
