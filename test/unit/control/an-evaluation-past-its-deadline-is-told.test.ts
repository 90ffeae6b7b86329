import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'tap';
import { watchEvaluations } from '../../../proxy/control/deadline.ts';
import { openThreadClock } from '../../../proxy/control/thread-clock.ts';
import { createHeartbeat, openHeartbeat, readPulse } from '../../../proxy/data/heartbeat.ts';

const deadlineMs = 20;

/** A thread whose processor time only the test moves. */
function start(clock: { ms: number | undefined }) {
  const memory = createHeartbeat();
  const told: number[] = [];
  let opened = 0;
  const watch = watchEvaluations(
    () => new Map([[7, memory]]),
    (thread) => told.push(thread),
    () => {
      opened += 1;
      return { read: () => clock.ms, close: () => (opened -= 1) };
    },
  );
  watch.set(deadlineMs);
  return { heartbeat: openHeartbeat(memory), told, watch, opened: () => opened };
}

/** The watch looks twice in each deadline once it has seen an evaluation, which may take it two. */
const looks = (count: number) => wait(2 * deadlineMs + (count * deadlineMs) / 2 + 5);

test('what counts is the processor time of the thread, not the time on the clock', async (t) => {
  const clock = { ms: 100 };
  const { heartbeat, told, watch } = start(clock);
  heartbeat.wasm.enter();
  await looks(12);
  t.strictSame(told, [], 'a thread that waits for a loaded machine is left alone');
  clock.ms += deadlineMs - 1;
  await looks(3);
  t.strictSame(told, []);
  clock.ms += 1;
  await looks(3);
  t.ok(told.length > 0 && told.every((thread) => thread === 7));
  watch.stop();
});

test('many short evaluations are not one long one', async (t) => {
  const clock = { ms: 100 };
  const { heartbeat, told, watch } = start(clock);
  for (let i = 0; i < 20; i += 1) {
    heartbeat.wasm.enter();
    await wait(deadlineMs / 4);
    clock.ms += deadlineMs * 2;
    heartbeat.wasm.leave();
    heartbeat.wasm.enter();
    await wait(deadlineMs / 4);
    heartbeat.wasm.leave();
  }
  t.strictSame(told, []);
  watch.stop();
});

test('without a clock it counts looks, three times as many', async (t) => {
  const { heartbeat, told, watch } = start({ ms: undefined });
  heartbeat.wasm.enter();
  await looks(3);
  t.strictSame(told, []);
  while (told.length === 0) await looks(1);
  t.strictSame(told[0], 7);
  watch.stop();
});

test('samples that a thread evaluates while it prepares are not judged', async (t) => {
  const clock = { ms: 1 };
  const { heartbeat, told, watch } = start(clock);
  heartbeat.preparing.enter();
  heartbeat.wasm.enter();
  await looks(2);
  clock.ms += 1000;
  await looks(3);
  t.strictSame(told, []);
  watch.stop();
});

test('nothing is watched, and nothing kept open, while no engine needs it', async (t) => {
  const clock = { ms: 1 };
  const { heartbeat, told, watch, opened } = start(clock);
  heartbeat.wasm.enter();
  await looks(2);
  t.equal(opened(), 1);
  watch.set(undefined);
  t.equal(opened(), 0);
  clock.ms += 1000;
  await looks(4);
  t.strictSame(told, []);
  watch.set(deadlineMs);
  while (told.length === 0) {
    clock.ms += deadlineMs;
    await looks(1);
  }
  watch.stop();
});

test('Linux tells the processor time of a thread', { skip: process.platform !== 'linux' }, async (t) => {
  const memory = createHeartbeat();
  openHeartbeat(memory);
  const { nativeThread } = readPulse(memory);
  t.ok(nativeThread > 0);
  const clock = openThreadClock(nativeThread);
  const before = clock.read() ?? Number.NaN;
  t.ok(before > 0);
  const { user } = process.cpuUsage();
  while (process.cpuUsage().user - user < 60_000);
  t.ok((clock.read() ?? 0) - before >= 30, 'it grows with work');
  clock.close();
  t.equal(clock.read(), undefined);
  t.equal(openThreadClock(0).read(), undefined);
  t.equal(openThreadClock(2 ** 30).read(), undefined);
});
