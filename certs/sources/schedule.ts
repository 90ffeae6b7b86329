/** Calls back after the delay, without keeping the process alive; returns how to cancel. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

export function afterDelay(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
