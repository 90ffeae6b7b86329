import { workerData } from 'node:worker_threads';
import { type Beat, beats, isStopped, sharedNowMs } from './metronome.ts';

// Beats when requests are due. Started by `startMetronome`.
const { shared, ratePerSecond, total, originMs } = workerData as Beat;
const cells = new Int32Array(shared);
const pillow = new Int32Array(new SharedArrayBuffer(4));

while (Atomics.load(cells, beats) < total && Atomics.load(cells, isStopped) === 0) {
  const next = Atomics.load(cells, beats);
  const wait = originMs + (next * 1000) / ratePerSecond - sharedNowMs();
  if (wait > 0) Atomics.wait(pillow, 0, 0, wait);
  // More than one when it overslept, or when two are due nearer to each other than a thread can be woken.
  const due = Math.floor(((sharedNowMs() - originMs) * ratePerSecond) / 1000) + 1;
  Atomics.store(cells, beats, Math.min(total, Math.max(next + 1, due)));
  Atomics.notify(cells, beats);
}
