import { test } from 'tap';
import { watchPulse } from '../../../proxy/control/watchdog.ts';
import { createHeartbeat, openHeartbeat } from '../../../proxy/data/heartbeat.ts';

void test('who judges a large body has longer, and only for that', async (t) => {
  const [one, other, third] = [createHeartbeat(), createHeartbeat(), createHeartbeat()];
  const said: number[] = [];
  const waiting = new Map<number, () => void>();
  const heartbeats = new Map([one, other, third].map((memory, thread) => [thread, memory]));
  const watch = watchPulse(
    50,
    () => heartbeats,
    (thread) => {
      said.push(thread);
      waiting.get(thread)?.();
    },
  );
  // The watchdog alone keeps no process alive.
  const alive = setInterval(() => undefined, 60_000);
  t.teardown(() => clearInterval(alive));
  const untilSaid = (thread: number) => new Promise<void>((resolve) => waiting.set(thread, resolve));
  // The looks at all three are of one timer, so that nobody is called stuck sooner because the machine is busy.
  openHeartbeat(one).judges(256 * 1024);
  openHeartbeat(third).judges(256 * 1024);
  openHeartbeat(third).policy.enter(`sha256:${'0'.repeat(64)}`);
  await Promise.all([untilSaid(1), untilSaid(2)]);
  t.same(said, [1, 2], 'once policy holds a thread its body has been judged');
  await untilSaid(0);
  openHeartbeat(one).judges(256 * 1024);
  openHeartbeat(one).beat();
  openHeartbeat(other).beat();
  said.length = 0;
  await Promise.all([untilSaid(0), untilSaid(1)]);
  t.same(said, [0, 1], 'the next turn of the event loop is as long as any');
  watch.stop();
});
