export type Bench = { readonly teardown: (task: () => unknown) => void };

/** Gives a benchmark what tap gives a test: a place to say what has to be undone, whatever happens. */
export async function runBench<T>(bench: (t: Bench) => Promise<T>): Promise<T> {
  const undo: (() => unknown)[] = [];
  // A signal ends the process in the middle: what runs at once there (ending a child, removing a folder) still runs.
  const atExit = () => {
    for (const task of undo.reverse()) void task();
  };
  // What is nested ends first: who still writes into a folder would keep it from being removed.
  process.prependOnceListener('exit', atExit);
  try {
    return await bench({ teardown: (task) => undo.push(task) });
  } finally {
    process.off('exit', atExit);
    for (const task of undo.reverse()) await task();
  }
}
