import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createSecureContext, createServer } from 'node:tls';
import { type Test, test } from 'tap';
import type { Algorithms } from '../../../certs/approved.ts';
import type { SvidMaterial } from '../../../certs/sources/svid-source.ts';
import { parseSpiffeId } from '../../../certs/spiffe-id.ts';
import { readTrustBundle, type TrustBundle } from '../../../certs/trust-bundle.ts';
import type { WorkloadConfig } from '../../../proxy/config/config.ts';
import { ownSvids } from '../../../proxy/data/own-svids.ts';
import { secureContext } from '../../../proxy/data/tls-options.ts';
import { openTlsLink, type WorkloadLinkParts } from '../../../proxy/data/workload-link.ts';
import { makePki } from '../../pki/pki.ts';

const minute = 60_000;
const wallMs = Date.now();
const workloadId = parseSpiffeId('spiffe://shop.example/workload');
const pki = await makePki({ trustDomain: 'shop.example' });
const [own, workload] = await Promise.all([pki.issue({ path: '/proxy' }), pki.issue({ path: '/workload' })]);

function svid(serial: string, notAfterMs: number): SvidMaterial {
  const spiffeId = parseSpiffeId('spiffe://shop.example/proxy');
  return { spiffeId, chainPem: `# ${serial}\n${own.certPem}`, keyPem: own.keyPem, serial, notBeforeMs: 0, notAfterMs };
}

/** A link whose handshake is over, with a clock that the test moves. */
async function open(t: Test, trust: () => TrustBundle) {
  const dialled = await dial(t, trust);
  const { link } = dialled;
  t.equal(link.over(false), undefined, 'it does not end before it was judged');
  await once(link.socket, link.opensWith);
  return dialled;
}

async function dial(t: Test, trust: () => TrustBundle, algorithms: Algorithms = 'strong', groups?: string) {
  const credential = { cert: workload.certPem, key: workload.keyPem, ca: pki.caPem };
  const server = createServer({ ...credential, requestCert: true, ...(groups && { ecdhCurve: groups }) });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let passedMs = 0;
  const clock = { nowMs: () => wallMs + passedMs, monotonicMs: () => passedMs, monotonicNs: () => 0n };
  const svids = ownSvids(svid('1', wallMs + 20 * minute), clock);
  const records: object[] = [];
  const told: string[] = [];
  const parts = {
    clock,
    snapshot: () => ({ trust: trust(), digest: '', config: {} }),
    audit: { commit: (record: object) => records.push(record) },
    measurements: {
      connectionEnded: (end: string) => told.push(end),
      workloadHandshake: (refused = 'verified') => told.push(refused),
    },
    newId: () => 'id',
    ownSvid: svids.current,
    secureContext: () => createSecureContext(secureContext(svid('1', 0), pki.trust, algorithms)),
    bug: (cause: Error) => told.push(cause.message),
  } as unknown as WorkloadLinkParts;
  const config = { address: { kind: 'tcp', host: '127.0.0.1', port }, tls: { spiffeIds: [workloadId] } };
  const onread = { buffer: Buffer.alloc(1024), callback: () => true };
  const link = openTlsLink(parts, config as unknown as WorkloadConfig, onread);
  t.teardown(() => {
    link.socket.destroy();
    server.close();
  });
  const at = (ms: number) => {
    passedMs = ms;
  };
  return { link, at, told, records, replace: () => svids.replaceBy(svid('2', wallMs + 60 * minute)) };
}

const trust = readTrustBundle(pki.trust);

void test('once our own SVID was replaced it ends its exchange and begins no other, and never outlives that SVID', async (t) => {
  const { link, at, told, replace } = await open(t, () => trust);
  t.equal(link.refusal(), undefined);
  t.equal(link.peer(), workloadId);
  t.equal(link.over(false), undefined);
  replace();
  t.equal(link.over(true), undefined);
  t.ok(link.over(false));
  at(20 * minute + 1);
  t.match(link.over(true), { code: 'own-identity-expired' });
  t.same(told, ['verified', 'own-svid-replaced']);
});

void test('it ends with our own SVID where no other has come', async (t) => {
  const { link, at, told, records } = await open(t, () => trust);
  t.equal(link.refusal(), undefined);
  at(20 * minute + 1);
  t.match(link.over(true), { code: 'own-identity-expired' });
  t.same([told, records], [['verified'], []], 'which has a record of its own');
});

void test('it ends with the identity of the workload, and one record says so', async (t) => {
  let now = trust;
  const { link, told, records } = await open(t, () => now);
  t.equal(link.refusal(), undefined);
  now = readTrustBundle((await makePki({ trustDomain: 'shop.example' })).trust);
  t.match(link.over(true), { code: 'upstream-unverified', detail: /^the workload: untrusted: / });
  t.ok(link.over(true));
  t.same(told, ['verified', 'untrusted']);
  t.match(records, [{ reason: 'untrusted', ended: true, dst: { spiffe: workloadId }, peer: { spiffe: workloadId } }]);
  t.notOk(
    records.some((record) => 'src' in record || 'listener' in record),
    'nobody has come to us',
  );
});

void test('what has changed during the handshake counts', async (t) => {
  let now = trust;
  const { link, told } = await open(t, () => now);
  now = readTrustBundle(pki.trust, { file: 'denylist', text: `spiffe-id ${workloadId}` });
  t.match(link.refusal(), { code: 'upstream-unverified', detail: /^the workload: denylisted: / });
  t.equal(link.peer(), undefined);
  t.same(told, ['denylisted']);
  const late = await open(t, () => trust);
  late.at(20 * minute + 1);
  t.match(late.link.refusal(), { code: 'own-identity-expired' });
});

void test('a bug in the verdict is no verdict', async (t) => {
  const { link, told } = await open(t, () => {
    throw new Error('no trust');
  });
  t.match(link.refusal(), { code: 'internal-error' });
  t.same(told, ['no trust']);
  t.equal(link.peer(), undefined);
});

void test('with profile fips it agrees on approved groups alone', async (t) => {
  const approved = await dial(t, () => trust, 'approved', 'P-256');
  await once(approved.link.socket, approved.link.opensWith);
  t.equal(approved.link.refusal(), undefined);
  const { link } = await dial(t, () => trust, 'approved', 'X25519');
  const [error] = (await once(link.socket, 'error')) as [Error];
  t.match(link.failure(error), { code: 'upstream-unverified', detail: /^the workload: protocol: / });
});
