import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { newFolder, startProxy } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

/** How libfaketime is loaded on this machine, or why it cannot be. */
function fakeTime(): { readonly preload: string } | { readonly missing: string } {
  try {
    const environment = execFileSync('faketime', ['-f', '+0', 'env'], { encoding: 'utf8' });
    const preload = /^LD_PRELOAD=(.+)$/m.exec(environment)?.[1];
    return preload === undefined ? { missing: 'faketime preloads nothing' } : { preload };
  } catch (cause) {
    return { missing: `faketime is not here: ${(cause as Error).message}` };
  }
}

const found = fakeTime();
const hourMs = 3_600_000;

// Who can move the clock back can revive what has expired (AU-8, IA-5): the jump must at least be seen.
void test('two hours forward and back', { skip: 'missing' in found ? found.missing : false }, async (t) => {
  if ('missing' in found) return;
  const workload = await startWorkload();
  t.teardown(workload.close);
  const clock = join(newFolder(t), 'clock');
  const setClock = (offset: string) => writeFileSync(clock, `${offset}\n`);
  setClock('+0');
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { limits: { keep_alive: '5m' } },
    env: {
      LD_PRELOAD: found.preload,
      FAKETIME_TIMESTAMP_FILE: clock,
      FAKETIME_NO_CACHE: '1',
      // Limits and deadlines run on the monotonic clock, which does not jump on a real machine either.
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  });
  const kept = await keepConnection(proxy.port, proxy.client);
  t.equal((await kept.ask('/before')).status, 200);

  const steps = () => proxy.audit().filter(({ type }) => type === 'time.step');
  t.equal(steps().length, 0, 'a clock that runs steadily leaves no record');
  setClock('+2h');
  await kept.client.untilClosed();
  await proxy.untilRecord(({ type, stream }) => type === 'time.step' && stream === 'data-0');
  await proxy.untilRecord(({ type, stream }) => type === 'time.step' && stream === 'control');
  for (const { step_ms } of steps())
    t.ok(Math.abs(Number(step_ms) - 2 * hourMs) < 60_000, `stepped by ${String(step_ms)} ms`);
  await expectRefusal(t, proxy, 'an SVID that ended meanwhile', 'expired', offering(proxy, proxy.client));

  setClock('+0');
  const back = ({ type, step_ms }: { type: string; step_ms?: unknown }) => type === 'time.step' && Number(step_ms) < 0;
  await proxy.untilRecord((record) => record.stream === 'data-0' && back(record));
  const again = await keepConnection(proxy.port, proxy.client);
  t.equal((await again.ask('/after')).status, 200, 'the positive twin: the clock is right again');
  again.client.close();
});
