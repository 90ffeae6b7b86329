export type Bench = { readonly teardown: (task: () => unknown) => void };

/** Gives a benchmark what tap gives a test: a place to say what has to be undone, whatever happens. */
export async function runBench<T>(bench: (t: Bench) => Promise<T>): Promise<T> {
  const undo: (() => unknown)[] = [];
  try {
    return await bench({ teardown: (task) => undo.push(task) });
  } finally {
    for (const task of undo.reverse()) await task();
  }
}
