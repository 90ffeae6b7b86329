import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { readAudit, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

// Whoever could keep a proxy from stopping by saying nothing could keep it from being updated.
void test('a silent connection is turned back when the proxy stops, and recorded', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const config = { limits: { handshake: '1m' }, drain: '1m' };
  const proxy = await startProxy(t, { workloadPort: workload.port, config });
  const silent = connect(proxy.port, '127.0.0.1');
  await once(silent, 'connect');
  const closed = once(silent.resume(), 'close');
  // Accepted in order: when this one has its answer, the silent one is in its handshake.
  const allowed = await exchange(proxy.port, proxy.client, requestText('GET', '/good'));
  t.equal(allowed.answer?.status, 200);
  allowed.client.close();

  const stopped = Date.now();
  t.equal(await proxy.stop(), 0);
  await closed;
  t.ok(Date.now() - stopped < 30_000, 'without waiting for the handshake to time out');
  const records = readAudit(`${proxy.folder}/audit`);
  t.match(
    records.filter(({ type }) => type === 'tls.reject'),
    [{ reason: 'protocol', src: { ip: '127.0.0.1', port: Number }, dur_us: Number }],
  );
  t.equal(records.filter(({ stream }) => stream === 'data-0').at(-1)?.type, 'audit.stop', 'in good order');
});
