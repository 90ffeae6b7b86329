import { test } from 'tap';
import { changeConfig, untilInForce } from '../harness/change-files.ts';
import { expectNoStart, newFolder, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { ask, askTimes, askUntil } from '../harness/statuses.ts';
import { startTlsWorkload } from '../harness/tls-workload.ts';
import { startSilentWorkload, startWorkload } from '../harness/workload.ts';

const at = (port: number) => `127.0.0.1:${port}`;
/** Whoever is to be answered has time for it, however slow the machine is. */
const routes = [
  { name: 'read', methods: ['GET'], path: '/orders', timeout: '500ms' },
  { name: 'patient', methods: ['GET'], path: '/patient', timeout: '1m' },
];

/** One data thread, since each has breakers of its own. */
function startWith(t: Parameters<typeof startProxy>[0], workload: object): Promise<TestProxy> {
  return startProxy(t, { workloadPort: 9, config: { threads: 1, workload, routes } });
}

const allowed = (proxy: TestProxy) => proxy.audit().filter(({ type }) => type === 'authz.allow');

void test('requests go to the standby until the workload answers again, and none goes to both', async (t) => {
  const { port, state } = await startSilentWorkload(t);
  const standby = await startWorkload();
  t.teardown(standby.close);
  const breaker = { failures: 2, open_for: '10m' };
  const both = { address: at(port), standby: { address: at(standby.port) } };
  const proxy = await startWith(t, { ...both, breaker });
  t.same(await askTimes(proxy, 2), [504, 504]);
  t.equal(standby.hits(), 0, 'those that failed are not sent again');
  t.same(await askTimes(proxy, 3, '/patient'), [200, 200, 200]);
  t.equal(standby.hits(), 3);
  t.equal(state.asked, 2);
  await proxy.untilRecord(() => allowed(proxy).length === 3);
  t.match(allowed(proxy)[0], { dst: { ip: '127.0.0.1', port: standby.port } }, 'on record where it went');
  const opened = await proxy.untilRecord(({ type }) => type === 'breaker.open');
  t.equal(opened['detail'], `${at(port)}: failures in a row: 2`);

  await untilInForce(proxy, () =>
    changeConfig(proxy, { workload: { ...both, breaker: { failures: 1, open_for: '300ms' } } }),
  );
  t.equal(await ask(proxy), 504);
  state.answers = true;
  await askUntil(proxy, 204, '/patient');
  const hits = standby.hits();
  t.same(await askTimes(proxy, 3, '/patient'), [204, 204, 204]);
  t.equal(standby.hits(), hits, 'it is left again');
  t.equal(await proxy.stop(), 0);
});

void test('when neither answers, nobody waits for one of them', async (t) => {
  const [gone, goneToo] = [await startWorkload(), await startWorkload()];
  await Promise.all([gone.close(), goneToo.close()]);
  const breaker = { failures: 2, open_for: '10m' };
  const proxy = await startWith(t, { address: at(gone.port), breaker, standby: { address: at(goneToo.port) } });
  t.same(await askTimes(proxy, 6, '/patient'), [502, 502, 502, 502, 503, 503]);
  const detail = ({ port }: { readonly port: number }) => `${at(port)}: failures in a row: 2`;
  const records = proxy.audit().filter(({ type }) => type === 'breaker.open');
  t.same(
    records.map((record) => record['detail']),
    [detail(gone), detail(goneToo)],
  );
  t.equal(await proxy.stop(), 0);
});

void test('a standby over TLS has to be who is expected there', async (t) => {
  const gone = await startWorkload();
  await gone.close();
  const breaker = { failures: 1, open_for: '5m' };
  const workload = { address: at(gone.port), breaker };
  const proxy = await startWith(t, workload);
  const pki = await proxyPki(proxy.folder);
  const standby = await startTlsWorkload(t, newFolder(t), pki.caPem, (_, response) => void response.end());
  const id = `spiffe://${trustDomain}/ns/t/sa/standby`;
  const tls = { spiffe_ids: [id] };
  await untilInForce(proxy, () => {
    changeConfig(proxy, { workload: { ...workload, standby: { address: at(standby.port), tls } } });
  });
  standby.present(await pki.issue({ path: '/ns/t/sa/other' }));
  t.same(await askTimes(proxy, 3, '/patient'), [502, 502, 503]);
  const refused = await proxy.untilRecord(({ reason }) => reason === 'upstream-unverified');
  t.match(refused, { detail: /unexpected-id/, dst: undefined });
  standby.present(await pki.issue({ path: '/ns/t/sa/standby' }));
  // Another breaker, which has seen nothing of what came before.
  await untilInForce(proxy, () => {
    const patient = { ...workload, breaker: { ...breaker, open_for: '6m' } };
    changeConfig(proxy, { workload: { ...patient, standby: { address: at(standby.port), tls } } });
  });
  t.same(await askTimes(proxy, 3, '/patient'), [502, 200, 200]);
  await proxy.untilRecord(() => allowed(proxy).length === 2);
  t.match(allowed(proxy)[0], { dst: { port: standby.port, spiffe: id } });
  t.equal(await proxy.stop(), 0);
});

void test('a standby that could not be asked, or by anybody, stops the start', async (t) => {
  const tls = { spiffe_ids: ['spiffe://elsewhere.example/a'] };
  const bad = async (workload: object) => {
    const failed = await expectNoStart(t, { workloadPort: 9, config: { workload: { address: at(9), ...workload } } });
    t.equal(failed.code, 3);
    return failed.stderr;
  };
  const both = await bad({ standby: { address: '192.0.2.1:80' } });
  t.match(both, /workload\.standby: would never be asked/);
  t.match(both, /workload\.standby\.address: 192\.0\.2\.1:80 is not loopback/);
  t.match(await bad({ breaker: {}, standby: { address: at(9) } }), /127\.0\.0\.1:9 is the address of `workload` too/);
  const foreign = await bad({ breaker: {}, unsafe_close_delimited: true, standby: { address: 'a.example:1', tls } });
  t.match(foreign, /workload\.standby\.tls\.spiffe_ids\[0\]: the trust domain/);
  t.match(foreign, /with `workload\.standby\.tls`, whoever is on the way/);
  t.equal(await ask(await startWith(t, { address: at(9) })), 502, 'without one all is as it was');
});
