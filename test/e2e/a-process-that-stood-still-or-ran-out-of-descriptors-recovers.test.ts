import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { test } from 'tap';
import { connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { replaceFile } from '../harness/change-files.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { startProxy, trustDomain } from '../harness/proxy.ts';
import { descriptors, eventually } from '../harness/process.ts';
import { startWorkload } from '../harness/workload.ts';

void test('a process that was stopped for longer than the stall limit replaces no thread', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { threads: 2, limits: { stall: '500ms', keep_alive: '1m' } },
  });
  const client = await connectRaw(proxy.port, proxy.client);
  for (let round = 1; round <= 3; round += 1) {
    proxy.child.kill('SIGSTOP');
    client.write(requestText('GET', `/${round}`));
    // Not a wait for something: standing still this long is the fault.
    await wait(1500);
    proxy.child.kill('SIGCONT');
    await client.until((text) => text.split('HTTP/1.1 200').length === round + 1);
  }
  t.equal((await proxy.admin('/readyz')).status, 200);
  t.notMatch(proxy.log(), 'thread.replaced');
  t.equal(workload.hits(), 3);
  client.close();
  t.equal(await proxy.stop(), 0);
});

void test('without descriptors it survives, and recovers when there are some again', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  // Enough to start, and by far too few for what comes.
  const limit = 100;
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    wrap: ['prlimit', `--nofile=${limit}:${limit}`],
    config: { denylist: './denylist', limits: { keep_alive: '1m' } },
    files: { denylist: '' },
  });
  const before = await exchange(proxy.port, proxy.client, requestText('GET', '/before'));
  t.equal(before.answer?.status, 200);
  const kept = await connectRaw(proxy.port, proxy.client);
  const stolen = await keepConnection(proxy.port, await proxy.issue(`spiffe://${trustDomain}/ns/t/sa/stolen`));
  const ready = await proxy.admin('/readyz');
  t.equal(ready.status, 200);

  const flood = new Set<Socket>();
  for (let index = 0; index < 3 * limit; index += 1) {
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    flood.add(socket);
    socket.on('close', () => flood.delete(socket));
  }
  await eventually(() => descriptors(proxy) >= limit - 3);
  t.equal(proxy.child.exitCode, null, 'it lives');
  kept.write(requestText('GET', '/meanwhile'));
  const meanwhile = parseAnswer(await kept.until((text) => parseAnswer(text) !== undefined));
  t.match(
    String(meanwhile?.status),
    /^(?:200|502)$/,
    'who is in is answered, if only that the workload cannot be reached',
  );

  replaceFile(proxy, 'denylist', `spiffe-id spiffe://${trustDomain}/ns/t/sa/stolen\n`);
  // It may find one that has just become free.
  const isRead = () => proxy.audit().some(({ type }) => type === 'trust.change');
  await eventually(() => /trust.unreadable.*EMFILE.*denylist/.test(proxy.log()) || isRead());
  for (const socket of flood) socket.destroy();
  await stolen.client.untilClosed();
  t.match(
    await proxy.untilRecord(({ type }) => type === 'trust.change'),
    { detail: /newly on the denylist/ },
    'what could not be read then is taken up without another change',
  );
  await eventually(async () => (await proxy.admin('/livez').catch(() => ({ status: 0 }))).status === 200);
  await eventually(async () => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/after'));
    client.close();
    return answer?.status === 200;
  });
  t.equal((await proxy.admin('/readyz')).status, 200);
  t.notMatch(proxy.log(), 'thread.replaced');
  kept.close();
  before.client.close();
  t.equal(await proxy.stop(), 0);
});
