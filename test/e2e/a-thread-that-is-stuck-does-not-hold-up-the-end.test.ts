import { once } from 'node:events';
import { test } from 'tap';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { startProxy } from '../harness/proxy.ts';
import { quadraticPolicy } from '../harness/slow-policy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('SIGTERM while policy holds a thread that the watchdog has not noticed yet', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      threads: 2,
      drain: '300ms',
      limits: { stall: '1m' },
      policy: { rego: './policy', engine: 'wasm', deadline: '50s' },
    },
    files: { 'policy/authz.rego': quadraticPolicy },
  });
  const victim = await connectRaw(proxy.port, proxy.client);
  // Sent in one piece: who has read the first answer knows that the thread is in the second request by now.
  victim.write(requestText('GET', '/quick?n=1') + requestText('GET', '/slow?n=100000'));
  await victim.until((text) => parseAnswer(text) !== undefined);

  const began = performance.now();
  const exit = once(proxy.child, 'exit') as Promise<[number | null]>;
  proxy.child.kill('SIGTERM');
  const [code] = await exit;
  t.equal(code, 1, 'not everything in flight has finished');
  t.ok(performance.now() - began < 30_000, 'long before the policy, or the watchdog, is through');
  t.notMatch((await victim.untilClosed()).slice(20), 'HTTP/1.1 ', 'the second request has no answer');
  t.equal(workload.hits(), 1);

  const last = (stream: string) => proxy.audit().findLast((record) => record.stream === stream)?.type;
  t.match(
    proxy.audit().filter(({ type }) => type === 'proc.stop'),
    [{ detail: 'SIGTERM' }],
  );
  t.equal(last('control'), 'audit.stop');
  const ends = new Set(['data-0', 'data-1'].map(last));
  t.same(ends, new Set(['audit.stop', 'authz.allow']), 'only the stream of the stuck thread has no end');
  t.notOk(proxy.audit().some(({ type }) => type === 'thread.replaced'));
});
