import { test } from 'tap';
import { keepConnection } from '../harness/kept-connection.ts';
import { type AuditRecord, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

void test('renewal at half-life, under continuous requests on old and new connections, and the old ones end after it', async (t) => {
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
      limits: { keep_alive: '1m', max_requests_per_connection: 1_000_000, drain_after_rotation: '2s' },
    },
  });
  const expiryBefore = await proxy.metric('portcullis_svid_expiry_timestamp_seconds');
  const [old, idle] = [await keepConnection(proxy.port, proxy.client), await keepConnection(proxy.port, proxy.client)];
  const serialSeen = ({ client }: typeof old) => client.socket.getPeerX509Certificate()?.serialNumber;
  const first = serialSeen(old);
  t.equal(serialSeen(idle), first);

  let requests = 0;
  let newest = first;
  const ask = async (connection: typeof old) => {
    const { status, headers } = await connection.ask('/continuously');
    if (status !== 200) throw new Error(`request ${requests} was answered with ${status}`);
    requests += 1;
    return headers.get('connection');
  };
  await ask(idle);
  // Until a new connection meets the new certificate: every request before, during and after must succeed.
  let toldToEnd = false;
  while (newest === first) {
    toldToEnd = (await ask(old)) === 'close';
    if (toldToEnd) break;
    const fresh = await keepConnection(proxy.port, proxy.client);
    newest = serialSeen(fresh);
    await ask(fresh);
    fresh.client.close();
  }
  // Then until the old one is told to end, which is after an answer.
  while (!toldToEnd) toldToEnd = (await ask(old)) === 'close';
  await Promise.all([old.client.untilClosed(), idle.client.untilClosed()]);
  const successor = await keepConnection(proxy.port, proxy.client);
  newest = serialSeen(successor);
  t.not(newest, first, 'who comes back is shown the new certificate');
  await ask(successor);
  t.equal(workload.hits(), requests, 'no request was lost or doubled');
  successor.client.close();
  const ends = () => proxy.audit().filter(({ type }) => type === 'tls.end');
  await proxy.untilRecord(() => ends().length === 2);
  const end = { outcome: 'allow', reason: 'own-svid-replaced', detail: /^replaced for \d+ ms$/ };
  t.match(ends(), [end, end], 'one record for each');
  t.equal(await proxy.metric('portcullis_connections_ended_total{reason="own-svid-replaced"}'), 2);

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
