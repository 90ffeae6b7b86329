import { KeyObject } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { derToPem } from '../../certs/certificate.ts';
import { caFolder } from '../../certs/local-ca/state.ts';
import { requestText } from '../harness/client.ts';
import { present } from '../harness/presented-chain.ts';
import { newFolder, openCa, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { refusals } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { allChains } from '../pki/chains/all-chains.ts';
import { type ClientChain, type Verdict, worldUnder } from '../pki/chains/chain.ts';
import { withScheme } from '../pki/keys.ts';
import { authority, type Issuer } from '../pki/raw-certificate.ts';

/** The root of the local CA again, with the same key, but without a path length: the table has long paths too. */
async function wideRoot(folder: string): Promise<Issuer> {
  const ca = await openCa(folder);
  ca.close();
  const { root, nowMs } = await proxyPki(folder);
  const keys = withScheme(KeyObject.from(root.key.privateKey));
  const subject = Buffer.from(root.certificate.subjectDer);
  const wide = authority('root', keys, nowMs, undefined, { subject });
  writeFileSync(join(caFolder(join(folder, 'state')), 'root.pem'), derToPem(wide.der, 'CERTIFICATE'));
  return wide;
}

type Shown = { readonly chain: ClientChain; readonly port: number; readonly answer: string };

/** A few at a time: the order in which they come decides nothing. */
async function presentAll(proxy: TestProxy, root: Issuer): Promise<readonly Shown[]> {
  const world = worldUnder(trustDomain, Date.now(), root);
  const offers = allChains.map((chain) => ({ chain, offer: chain.offer(world) }));
  // The proxy has its own root; that of another bundle is judged in the unit test.
  const waiting = offers.filter(({ offer }) => offer.roots === undefined);
  const shown: Shown[] = [];
  const request = requestText('GET', '/chain', ['Connection: close']);
  const worker = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { chain, keys } = next.offer;
      const outcome = await present(proxy.port, { chain, privateKey: keys.privateKey }, request);
      shown.push({ chain: next.chain, ...outcome });
    }
  };
  await Promise.all(Array.from({ length: 6 }, worker));
  return shown;
}

const expected = ({ verdict, overTls }: ClientChain): Verdict => overTls ?? verdict;

async function expectCounts(t: Test, proxy: TestProxy, reasons: readonly string[]) {
  for (const reason of new Set(reasons)) {
    const count = await proxy.metric(`portcullis_handshake_refusals_total{reason="${reason}"}`);
    t.equal(count, reasons.filter((other) => other === reason).length, `counted as ${reason}`);
  }
}

void test('each is served, or refused without a byte and recorded once with its reason', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const folder = newFolder(t);
  const root = await wideRoot(folder);
  const proxy = await startProxy(t, { workloadPort: workload.port, folder });

  const shown = await presentAll(proxy, root);
  const refused = shown.filter(({ chain }) => expected(chain) !== 'served');
  await proxy.untilRecord(() => refusals(proxy).length >= refused.length);
  const reasons = new Map(refusals(proxy).map(({ src, reason }) => [(src as { port: number }).port, reason]));
  const verdictOf = ({ port, answer }: Shown) => (answer === '' ? reasons.get(port) : answer.slice(0, 9));
  t.same(
    shown.map((each) => [each.chain.rule, verdictOf(each)]),
    shown.map(({ chain }) => [chain.rule, expected(chain) === 'served' ? 'HTTP/1.1 ' : expected(chain)]),
  );
  t.ok(shown.length > 300);
  t.equal(refusals(proxy).length, refused.length, 'one record for each that was refused');
  await expectCounts(
    t,
    proxy,
    refused.map(({ chain }) => expected(chain)),
  );
});
