import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { eventually } from '../harness/process.ts';
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
const minutes = (count: number) => count * 60_000;
const hourMs = minutes(60);

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
    config: {
      limits: { keep_alive: '5m' },
      routes: [
        { name: 'any', methods: ['GET'], path: '/{rest...}' },
        { name: 'counted', methods: ['GET'], path: '/counted', quota: { requests: 60, per: '24h', burst: 1 } },
      ],
    },
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
  // Twice what the quota takes to fill up again, on a clock that it does not run by.
  t.equal((await kept.ask('/counted')).status, 200);
  for (const offset of ['+50m', '+0']) {
    const known = steps().length;
    setClock(offset);
    await eventually(() => steps().length >= known + 2);
    const { status, headers } = await (await keepConnection(proxy.port, proxy.client)).ask('/counted');
    t.equal(status, 429, `no quota comes of ${offset}`);
    t.match(headers.get('retry-after'), /^1[34]\d\d$/, 'and nobody is locked out by it');
  }
  const told = steps().length;

  setClock('+2h');
  await kept.client.untilClosed();
  await eventually(() => steps().length >= told + 2);
  const last = (stream: string) => steps().findLast((record) => record.stream === stream)?.['step_ms'];
  for (const stream of ['data-0', 'control']) {
    const step = Number(last(stream));
    t.ok(Math.abs(step - 2 * hourMs) < minutes(1), `stepped by ${step} ms`);
  }
  await expectRefusal(t, proxy, 'SVIDs that ended meanwhile', 'own-identity-expired', offering(proxy, proxy.client));

  setClock('+0');
  await eventually(() => Number(last('data-0')) < 0);
  const again = await keepConnection(proxy.port, proxy.client);
  t.equal((await again.ask('/after')).status, 200, 'the positive twin: the clock is right again');
  again.client.close();
});
