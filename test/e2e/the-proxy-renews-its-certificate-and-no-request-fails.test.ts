import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { type AuditRecord, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('renewal at half-life, under continuous requests on old and new connections', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      identity: {
        trust_domain: 'test.example',
        spiffe_id: 'spiffe://test.example/ns/t/sa/proxy',
        svid_lifetime: '10s',
      },
      threads: 2,
      limits: { keep_alive: '1m', max_requests_per_connection: 1_000_000 },
    },
  });
  const expiryBefore = await proxy.metric('portcullis_svid_expiry_timestamp_seconds');
  const old = await keepConnection(proxy.port, proxy.client);
  const serialSeen = ({ client }: typeof old) => client.socket.getPeerX509Certificate()?.serialNumber;
  const first = serialSeen(old);

  let requests = 0;
  let newest = first;
  const ask = async (connection: typeof old) => {
    const { status } = await connection.ask('/continuously');
    if (status !== 200) throw new Error(`request ${requests} was answered with ${status}`);
    requests += 1;
  };
  // Until a new connection meets the new certificate: every request before, during and after must succeed.
  while (newest === first) {
    await ask(old);
    const fresh = await keepConnection(proxy.port, proxy.client);
    newest = serialSeen(fresh);
    await ask(fresh);
    fresh.client.close();
  }
  await ask(old);
  t.equal(serialSeen(old), first, 'the old connection went on over the renewal');
  t.equal(workload.hits(), requests, 'no request was lost or doubled');
  old.client.close();

  // By now it may have been renewed more than once.
  const serialIn = ({ certificate }: AuditRecord) => (certificate as { readonly serial?: string } | undefined)?.serial;
  const rotated = await proxy.untilRecord((record) => record.type === 'identity.rotate' && serialIn(record) === newest);
  t.match(rotated, { certificate: { spiffe: 'spiffe://test.example/ns/t/sa/proxy' }, detail: /^replaces serial / });
  const created = proxy.audit().filter(({ type }) => type === 'ca.create');
  t.match(created, [{ certificate: { fp_sha256: proxy.ca.describe().root.fingerprintSha256 } }]);
  const issued = proxy
    .audit()
    .filter(({ type }) => type === 'ca.issue')
    .map(serialIn);
  t.ok(
    issued.indexOf(first) < issued.indexOf(newest) && issued.includes(first),
    'both were issued on record, in order',
  );
  const expiryAfter = await proxy.metric('portcullis_svid_expiry_timestamp_seconds');
  t.ok(expiryAfter > expiryBefore, `${expiryAfter} is later than ${expiryBefore}`);
  t.equal(proxy.audit().filter(({ type }) => type === 'tls.reject').length, 0);
});
