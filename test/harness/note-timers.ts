import { createHook } from 'node:async_hooks';
import { mkdirSync, openSync, writeSync } from 'node:fs';
import { isMainThread, threadId } from 'node:worker_threads';

// Loaded by every thread of a proxy. Each timer that one of them starts is a `+` in its file, each that ends a `-`.
if (!isMainThread) {
  mkdirSync('timers', { recursive: true });
  const file = openSync(`timers/${threadId}`, 'a');
  const timers = new Set<number>();
  createHook({
    init: (id, type) => {
      if (type !== 'Timeout') return;
      timers.add(id);
      writeSync(file, '+');
    },
    destroy: (id) => {
      if (timers.delete(id)) writeSync(file, '-');
    },
  }).enable();
}
