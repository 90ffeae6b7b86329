import { test } from 'tap';
import { finishWithin } from '../../../proxy/control/finish-within.ts';
import { createHeartbeat, openHeartbeat } from '../../../proxy/data/heartbeat.ts';

/** Two threads that have been told to drain: the test says what they do. */
function draining() {
  const heartbeats = new Map([0, 1].map((thread) => [thread, createHeartbeat()]));
  const drained = Promise.withResolvers<void>();
  const said: string[] = [];
  const terminate = (thread?: number) => {
    said.push(`terminate ${thread ?? 'all'}`);
    if (thread === undefined) drained.resolve();
    else heartbeats.delete(thread);
  };
  const plane = { heartbeats, drain: () => drained.promise, breakOff: () => void said.push('break off'), terminate };
  const [one, other] = [...heartbeats.values()].map((memory) => openHeartbeat(memory));
  if (one === undefined || other === undefined) throw new Error('two threads');
  return { plane, said, one, other, finish: drained.resolve };
}

void test('who gives signs of life records what was broken off, and who gives none is ended', async (t) => {
  const { plane, said, one, finish } = draining();
  const isOver = finishWithin(plane, 1, { silentMs: 50, mostMs: 600_000 });
  // Looks and beats are timers of one event loop: however busy the machine is, they come in turn.
  await new Promise<void>((resolve) => {
    let left = 60;
    const beating = setInterval(() => {
      // In a turn that begins thousands of requests no timer beats: that is a sign of life as well.
      if (left > 30) one.requestStarted();
      else one.beat();
      left -= 1;
      if (left > 0 || !said.includes('terminate 1')) return;
      clearInterval(beating);
      resolve();
    }, 5);
  });
  t.same(said, ['break off', 'terminate 1']);
  finish();
  t.equal(await isOver, false);
});

void test('who lives and does not come to an end is ended too, and who has finished in time is left alone', async (t) => {
  const { plane, said, one, other } = draining();
  const beating = setInterval(() => [one, other].forEach(({ beat }) => beat()), 5);
  t.equal(await finishWithin(plane, 1, { silentMs: 5000, mostMs: 20 }), false);
  clearInterval(beating);
  t.same(said, ['break off', 'terminate all']);
  const idle = draining();
  idle.finish();
  t.equal(await finishWithin(idle.plane, 600_000), true);
  t.same(idle.said, []);
});
