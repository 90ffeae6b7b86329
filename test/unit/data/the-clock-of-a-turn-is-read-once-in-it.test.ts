import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'tap';
import { turnClock } from '../../../proxy/data/turn-clock.ts';

function counting() {
  const reads = { wall: 0, monotonic: 0 };
  const clock = turnClock({
    nowMs: () => ++reads.wall,
    monotonicMs: () => 1000 + ++reads.monotonic,
    monotonicNs: () => 0n,
  });
  return { reads, clock };
}

test('within a turn the time stands still and the system is asked once', async (t) => {
  const { reads, clock } = counting();
  t.equal(clock.nowMs(), 1);
  t.equal(clock.monotonicMs(), 1001);
  await Promise.resolve();
  t.equal(clock.nowMs(), 1);
  t.equal(clock.monotonicMs(), 1001);
  t.same(reads, { wall: 1, monotonic: 1 });
});

test('the next turn has a time of its own, also where nobody asked in between', async (t) => {
  const { reads, clock } = counting();
  clock.nowMs();
  await nextTurn();
  await nextTurn();
  t.equal(clock.nowMs(), 2);
  await nextTurn();
  t.equal(clock.nowMs(), 3);
  t.same(reads, { wall: 3, monotonic: 0 });
});
