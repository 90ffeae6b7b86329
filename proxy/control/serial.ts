/**
 * Runs tasks one after the other, in the order in which they came; one that fails does not stop the next, and is told to
 * `failed`, because many callers do not wait for the outcome.
 */
export function serially(failed: (cause: unknown) => void): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const next = last.then(task, task);
    last = next.catch(failed);
    return next;
  };
}
