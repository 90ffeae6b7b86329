import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'tap';
import { watchEventLoop } from '../../../proxy/telemetry/event-loop.ts';

const nowMs = () => performance.now();

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

test('a block right after a report is in the next one, and only there', async (t) => {
  const watch = watchEventLoop(nowMs);
  t.teardown(watch.stop);
  watch.read();
  block(300);
  await pause(1);
  const blocked = watch.read();
  t.ok(blocked.maxMs >= 250, `${blocked.maxMs} ms`);
  t.ok(blocked.p99Ms <= blocked.maxMs);
  t.ok(watch.read().maxMs < 250, 'reading begins anew');
});

test('a block that still lasts when the report is made is in it', (t) => {
  const watch = watchEventLoop(nowMs);
  t.teardown(watch.stop);
  watch.read();
  block(300);
  t.ok(watch.read().maxMs >= 250);
  t.end();
});
