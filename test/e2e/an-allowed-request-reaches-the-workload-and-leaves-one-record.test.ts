import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy, strangerId } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('allowed and denied differ by one attribute: the identity', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });

  const allowed = await exchange(proxy.port, proxy.client, requestText('GET', '/orders?x=%C3%A9'));
  t.equal(allowed.answer?.status, 200);
  t.equal(workload.hits(), 1);
  const record = await proxy.untilRecord(({ type }) => type === 'authz.allow');
  t.match(record, { status: 200, object: { method: 'GET', target: '/orders?x=%C3%A9' }, peer: { spiffe: clientId } });
  t.match(record, { tls: { version: 'TLSv1.3', group: 'X25519MLKEM768', resumed: false } });
  t.match(workload.received()[0]?.toString('latin1'), /^GET \/orders\?x=%C3%A9 HTTP\/1\.1\r\n/);

  const stranger = await proxy.issue(strangerId);
  const denied = await exchange(proxy.port, stranger, requestText('GET', '/orders'));
  t.equal(denied.answer?.status, 403);
  t.match(JSON.parse(denied.answer?.body ?? ''), { code: 'forbidden', status: 403 });
  t.equal(workload.hits(), 1, 'the workload saw nothing of the denied request');
  await proxy.untilRecord(({ type, reason }) => type === 'authz.deny' && reason === 'forbidden');
  t.equal(proxy.audit().filter(({ stream }) => stream === 'data-0').length, 3, 'audit.start and one record each');
  t.equal(await proxy.metric('portcullis_requests_total{route="any",outcome="denied",code="forbidden"}'), 1);
  allowed.client.close();
  denied.client.close();
  t.equal(await proxy.stop(), 0);
});
