import { readFileSync } from 'node:fs';
import { mock } from 'node:test';
import { test } from 'tap';
import { giveBackAfterLoading } from '../../proxy/give-back.ts';
import { exchange, requestText } from '../harness/client.ts';
import { eventually } from '../harness/process.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const enough = 8 * 1024;

/** KiB below the most that was resident. */
function givenBack({ child }: TestProxy): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  return kib('VmHWM') - kib('VmRSS');
}

void test('a proxy that nobody asks anything takes less memory soon after its start, and serves from then on', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  await eventually(() => givenBack(proxy) > enough);
  const { answer } = await exchange(proxy.port, proxy.client, requestText('GET', '/orders/7'));
  t.equal(answer?.status, 200);
});

void test('a thread that has answered somebody keeps what was compiled for him', (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { gc } = globalThis;
  t.teardown(() => {
    mock.timers.reset();
    globalThis.gc = gc;
  });
  const order: string[] = [];
  globalThis.gc = (() => void order.push('collects')) as unknown as NodeJS.GCFunction;
  giveBackAfterLoading({ hasServed: () => true, works: () => void order.push('never') });
  mock.timers.tick(60_000);
  t.same(order, []);
  giveBackAfterLoading({
    hasServed: () => false,
    works: (bytes) => void order.push(bytes > 0 ? 'says so' : 'nothing'),
  });
  mock.timers.tick(60_000);
  t.same(order, ['says so', 'collects'], 'once, and the watchdog knows of it before');
  t.end();
});
