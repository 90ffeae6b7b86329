/** Calls back after the delay, without keeping the process alive; returns how to cancel. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

export function afterDelay(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}

/** How long to wait before the next try after so many failures in a row: twice as long each time, up to the most. */
export function backoffMs(
  failures: number,
  { first, most }: { readonly first: number; readonly most: number },
): number {
  return Math.min(most, first * 2 ** (failures - 1));
}
