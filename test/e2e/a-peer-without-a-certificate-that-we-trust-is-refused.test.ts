import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { serialOf } from '../harness/lifetime.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { expectRefusal, offering, refusals } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { makePki } from '../pki/pki.ts';

// What a certificate can say of itself is in the table of test/pki/chains; here is what depends on whom it is shown to.
void test('who is not known, not known any more, or shows nothing is refused before the workload hears of it', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const pki = await proxyPki(proxy.folder);
  const stranger = await makePki({ trustDomain: pki.trustDomain });
  const foreign = await makePki({ trustDomain: 'other.example' });

  let cases = 0;
  const refused = async (rule: string, reason: string, attempt: ReturnType<typeof offering>) => {
    cases += 1;
    return expectRefusal(t, proxy, rule, reason, attempt);
  };

  await refused('no certificate', 'no-certificate', offering(proxy, undefined));
  await refused('a CA nobody trusts', 'untrusted', offering(proxy, await stranger.issue({ path: '/ns/t/sa/client' })));
  await refused('a CA of another trust domain', 'untrusted', offering(proxy, await foreign.issue()));

  const revoked = await proxy.issue(clientId);
  await proxy.ca.revoke(serialOf(revoked));
  await proxy.untilRecord(({ type }) => type === 'snapshot.swap');
  await refused('a revoked serial', 'revoked', offering(proxy, revoked));

  t.equal(refusals(proxy).length, cases, 'no attempt left a second record');
  t.same(workload.received(), [], 'the workload was not even connected to');

  for (const key of ['P-256', 'P-384', 'RSA-2048'] as const) {
    const good = await pki.issue({ path: '/ns/t/sa/client', key });
    const allowed = await exchange(proxy.port, good, requestText('GET', '/good'));
    t.equal(allowed.answer?.status, 200, `the positive twin with ${key}: the same authority, no rule broken`);
    allowed.client.close();
  }
  t.equal(workload.hits(), 3);
});
