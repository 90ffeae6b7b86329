import { execFileSync } from 'node:child_process';
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
    await wait(2000);
    proxy.child.kill('SIGCONT');
    await client.until((text) => text.split('HTTP/1.1 200').length === round + 1);
  }
  t.equal((await proxy.admin('/readyz')).status, 200);
  t.notMatch(proxy.log(), 'thread.replaced');
  t.equal(workload.hits(), 3);
  client.close();
  t.equal(await proxy.stop(), 0);
});

void test('a flood leaves descriptors for probes, a denylist and who is in; without any it survives, and recovers', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const limit = 64;
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    wrap: ['prlimit', `--nofile=${limit}:${limit}`],
    config: { denylist: './denylist', limits: { keep_alive: '1m' } },
    files: { denylist: '' },
  });
  t.match(
    proxy.log(),
    /"event":"descriptors","statement":"not all of limits.max_connections: ulimit -n leaves room for 6"/,
  );
  const kept = await connectRaw(proxy.port, proxy.client);
  const [stolen, lost] = await Promise.all(
    ['stolen', 'lost'].map(async (name) =>
      keepConnection(proxy.port, await proxy.issue(`spiffe://${trustDomain}/ns/t/sa/${name}`)),
    ),
  );
  const flood = new Set<Socket>();
  let opened = 0;
  const another = () => {
    const socket = connect(proxy.port, '127.0.0.1').on('error', () => undefined);
    opened += 1;
    flood.add(socket);
    socket.on('close', () => {
      flood.delete(socket);
      if (opened < 300) another();
    });
  };
  for (let index = 0; index < 100; index += 1) another();
  await eventually(() => opened === 300);
  t.ok(descriptors(proxy) < limit, `${descriptors(proxy)} descriptors`);
  for (const probe of ['/livez', '/readyz', '/metrics']) t.equal((await proxy.admin(probe)).status, 200, probe);
  kept.write(requestText('GET', '/meanwhile'));
  t.equal(parseAnswer(await kept.until((text) => parseAnswer(text) !== undefined))?.status, 200);
  replaceFile(proxy, 'denylist', `spiffe-id spiffe://${trustDomain}/ns/t/sa/stolen\n`);
  await stolen?.client.untilClosed();
  t.notMatch(proxy.log(), 'EMFILE');

  // What the flood cannot do, somebody else on this machine can.
  const limitTo = (most: number) => execFileSync('prlimit', ['--pid', `${proxy.child.pid}`, `--nofile=${most}:`]);
  limitTo(16);
  replaceFile(proxy, 'denylist', `spiffe-id spiffe://${trustDomain}/ns/t/sa/lost\n`);
  await proxy.untilLog((log) => /trust.unreadable.*EMFILE.*denylist/.test(log));
  t.equal(proxy.child.exitCode, null, 'it lives');
  limitTo(limit);
  for (const socket of flood) socket.destroy();
  await lost?.client.untilClosed();
  t.match(
    await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && String(detail).includes('/sa/lost')),
    { detail: /newly on the denylist/ },
    'what could not be read then is taken up without another change',
  );
  await eventually(async () => {
    const { answer, client } = await exchange(proxy.port, proxy.client, requestText('GET', '/after'));
    client.close();
    return answer?.status === 200;
  });
  t.equal((await proxy.admin('/readyz')).status, 200);
  t.notMatch(proxy.log(), 'thread.replaced');
  kept.close();
  t.equal(await proxy.stop(), 0);
});
