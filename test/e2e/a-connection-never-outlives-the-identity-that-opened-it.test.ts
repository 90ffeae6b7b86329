import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { requestText } from '../harness/client.ts';
import { portcullis } from '../harness/command.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { serialOf, untilExpired } from '../harness/lifetime.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

// Idle and slow connections end for their identity in here, not for their slowness.
const config = { threads: 2, limits: { head: '1m', keep_alive: '1m' } };

void test('expiry ends every connection: idle, in the middle of a head, while an answer is awaited or streamed', async (t) => {
  const late = Promise.withResolvers<ServerResponse>();
  const stream = Promise.withResolvers<ServerResponse>();
  const workload = await startWorkload(({ url }, _, response) => {
    if (url === '/late') late.resolve(response);
    else if (url === '/stream') stream.resolve(response.writeHead(200));
    else response.end('here');
  });
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, config });
  const pki = await proxyPki(proxy.folder);
  const path = '/ns/t/sa/client';
  const short = await pki.issue({ path, notAfterMs: Date.now() + 6000 });

  const idle = await keepConnection(proxy.port, short);
  const slow = await keepConnection(proxy.port, short);
  const waiting = await keepConnection(proxy.port, short);
  const streaming = await keepConnection(proxy.port, short);
  const lasting = await keepConnection(proxy.port, await pki.issue({ path }));
  for (const { ask } of [idle, slow, waiting, streaming, lasting]) t.equal((await ask('/before')).status, 200);
  const finish = slow.beginToAsk('/after');
  const answered = waiting.ask('/late');
  const response = await late.promise;
  streaming.client.write(requestText('GET', '/stream'));
  (await stream.promise).write('first words');
  await streaming.client.until((text) => text.includes('first words'));
  const hits = workload.hits();

  await untilExpired(short);
  await idle.client.untilClosed();
  t.match(await finish(), {
    status: 403,
    body: /"code":"identity-expired"/,
    headers: new Map([['connection', 'close']]),
  });
  await slow.client.untilClosed();
  await proxy.untilRecord(({ type, reason }) => type === 'authz.deny' && reason === 'identity-expired');
  t.equal(workload.hits(), hits, 'the workload heard nothing of it');
  t.equal(await proxy.metric('portcullis_requests_total{route="other",outcome="denied",code="identity-expired"}'), 1);

  const refused = { status: 403, body: /"code":"identity-expired"/, headers: new Map([['connection', 'close']]) };
  t.match(await answered, refused, 'an answer that was awaited comes too late');
  await waiting.client.untilClosed();
  response.end('late');
  t.notMatch(await streaming.client.untilClosed(), /first words\r\n0\r\n/, 'a stream is cut, and looks cut');
  const ends = () => proxy.audit().filter(({ type }) => type === 'tls.end');
  await proxy.untilRecord(() => ends().length === 4);
  for (const end of ends())
    t.match(end, { outcome: 'deny', reason: 'expired', peer: { serial: short.serial }, detail: /expired 2\d{3}-/ });
  t.equal(await proxy.metric('portcullis_connections_ended_total{reason="expired"}'), 4);
  await proxy.untilRecord(
    ({ reason, status, aborted }) => reason === 'identity-expired' && status === 200 && aborted === 'proxy',
  );

  t.equal((await lasting.ask('/still')).status, 200, 'the positive twin: the same ID, a longer life');
  lasting.client.close();
});

void test('revocation by another process ends open connections and refuses new ones', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, config });
  const revoked = await proxy.issue(clientId);
  const idle = await keepConnection(proxy.port, revoked);
  const slow = await keepConnection(proxy.port, revoked);
  const other = await keepConnection(proxy.port, proxy.client);
  for (const { ask } of [idle, slow, other]) t.equal((await ask('/before')).status, 200);
  const finish = slow.beginToAsk('/after');
  const hits = workload.hits();
  const closed = once(idle.client.socket, 'close');

  const command = await portcullis(
    'ca',
    'revoke',
    '--state',
    join(proxy.folder, 'state'),
    '--serial',
    serialOf(revoked),
  );
  t.equal(command.code, 0, command.stderr);
  const began = Date.now();
  await closed;
  t.ok(Date.now() - began < 10_000, 'noticed by itself, and soon');
  t.match(await finish(), { status: 403, body: /"code":"identity-revoked"/ });
  await slow.client.untilClosed();
  await proxy.untilRecord(({ type, reason }) => type === 'authz.deny' && reason === 'identity-revoked');
  t.equal(workload.hits(), hits, 'the workload heard nothing of it');
  await expectRefusal(t, proxy, 'a new connection', 'revoked', offering(proxy, revoked));

  t.equal((await other.ask('/still')).status, 200, 'the positive twin: the same ID, another serial');
  other.client.close();
  const control = proxy.audit().filter(({ stream }) => stream === 'control');
  const swap = control.find(({ type }) => type === 'snapshot.swap');
  t.match(
    control.find(({ type }) => type === 'trust.change'),
    { snapshot: swap?.['snapshot'] },
  );
  t.equal(control.filter(({ type }) => type === 'snapshot.swap').length, 1);
});
