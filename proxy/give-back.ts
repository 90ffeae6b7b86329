import { getHeapStatistics } from 'node:v8';

/** Behind whatever follows a start: files that are looked at once more, the first answers to a probe. */
const afterMs = 2000;
/** To collect more would keep those waiting who come meanwhile: it takes some 3 ms a MiB. */
const mostBytes = 64 * 1024 * 1024;

/** Of a thread that answers requests. */
export type Serving = {
  /** Whether one has been answered. What was compiled for it would partly go too, and the next ones would cost double. */
  readonly hasServed: () => boolean;
  /** Told how many bytes it is about to look through: it beats no pulse meanwhile, and is not stuck. */
  readonly works: (bytes: number) => void;
};

/**
 * Gives back the memory that loading has left behind in this thread, once, unless it has its hands full already: V8 itself would keep it
 * until there is load. What it gains stands in bench/README.md. V8's collector is there for who starts Node with `--expose-gc`, as the
 * launcher and the image do; `last-resort` alone makes new space small again.
 */
export function giveBackAfterLoading(serving?: Serving): void {
  setTimeout(() => {
    const { used_heap_size: bytes } = getHeapStatistics();
    if (globalThis.gc === undefined || serving?.hasServed() || bytes > mostBytes) return;
    serving?.works(bytes);
    globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  }, afterMs).unref();
}
