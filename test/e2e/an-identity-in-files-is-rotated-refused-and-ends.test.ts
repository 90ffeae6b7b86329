import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { type ClientCredential, connectRaw, exchange, requestText } from '../harness/client.ts';
import { portcullis } from '../harness/command.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { type AuditRecord, expectNoStart, newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { type Credential, makePki } from '../pki/pki.ts';
import { swapSvidVolume, svidFilesIn, writeSvidFiles } from '../pki/svid-files.ts';

const own = '/ns/t/sa/proxy';
const identity = {
  trust_domain: trustDomain,
  spiffe_id: `spiffe://${trustDomain}${own}`,
  files: { certificate: './id/svid.pem', key: './id/svid.key', bundle: './id/bundle.pem', overdue_at: 0.5 },
};

async function serialShown(port: number, client: ClientCredential): Promise<string | undefined> {
  const { socket, close } = await connectRaw(port, client);
  const shown = socket.getPeerX509Certificate()?.serialNumber;
  close();
  return shown;
}

const rotatedTo =
  ({ serial }: Credential) =>
  ({ type, certificate }: AuditRecord) =>
    type === 'identity.rotate' && (certificate as { serial: string }).serial === serial.toUpperCase();

void test('files of another program: used, rotated, kept when the new ones are bad, and refused when they end', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const pki = await makePki({ trustDomain });
  const nextPki = await makePki({ trustDomain });
  const folder = newFolder(t);
  const id = join(folder, 'id');
  const files = svidFilesIn(id);
  mkdirSync(id);
  const svids = [await pki.issue({ path: own }), await pki.issue({ path: own }), await pki.issue({ path: own })];
  const [first, second, third] = svids as [Credential, Credential, Credential];
  swapSvidVolume(id, '..1', first, pki);
  const proxy = await startProxy(t, { workloadPort: workload.port, folder, config: { identity } });
  // Node's inspector, which would show the keys to everybody on loopback, begins with this signal.
  proxy.child.kill('SIGUSR1');
  const client = await pki.issue({ path: '/ns/t/sa/client' });
  const kept = await keepConnection(proxy.port, client);
  t.equal((await kept.ask('/first')).status, 200);
  t.equal(await serialShown(proxy.port, client), first.serial.toUpperCase());

  swapSvidVolume(id, '..2', second, pki);
  await proxy.untilRecord(({ type }) => type === 'identity.rotate');
  t.equal(await serialShown(proxy.port, client), second.serial.toUpperCase());
  t.equal((await kept.ask('/second')).status, 200, 'who was connected goes on');

  writeFileSync(files.key, third.keyPem);
  const refused = await proxy.untilRecord(({ type }) => type === 'identity.renewal-failed');
  t.match(refused, { reason: 'key-mismatch', outcome: 'error', certificate: { serial: second.serial.toUpperCase() } });
  t.equal(refused['detail'], `${files.key}:1: not the key of the certificate in ${files.certificate}`);
  t.match(proxy.log(), /"event":"identity.refresh-failed".*"reason":"key-mismatch"/);
  t.equal(await proxy.metric('portcullis_identity_refreshes_total{part="svid",outcome="refused"}'), 1);
  t.equal(await proxy.metric('portcullis_identity_refreshes_total{part="svid",outcome="used"}'), 1);
  t.equal(await serialShown(proxy.port, client), second.serial.toUpperCase());
  t.equal((await proxy.admin('/readyz')).status, 200);

  writeFileSync(files.bundle, pki.caPem + first.keyPem);
  const rejected = await proxy.untilRecord(({ type }) => type === 'trust.reject');
  t.match(rejected, { reason: 'trust-bundle-invalid', outcome: 'deny' });
  t.equal((await kept.ask('/third')).status, 200, 'the old bundle is in force');
  t.equal(await proxy.metric('portcullis_identity_refreshes_total{part="bundle",outcome="refused"}'), 1);

  // Both CAs overlap, our own SVID moves to the new one, then the old root goes: its clients with it.
  writeFileSync(files.bundle, pki.caPem + nextPki.caPem);
  await proxy.untilRecord(({ type }) => type === 'trust.change');
  const moved = await nextPki.issue({ path: own });
  writeSvidFiles(id, moved, pki.caPem + nextPki.caPem);
  await proxy.untilRecord(rotatedTo(moved));
  t.equal((await kept.ask('/fourth')).status, 200);
  writeFileSync(files.bundle, nextPki.caPem);
  await kept.client.untilClosed();
  t.pass('an open connection ended with its root');
  const newClient = await nextPki.issue({ path: '/ns/t/sa/client' });
  const again = await keepConnection(proxy.port, newClient);
  t.equal((await again.ask('/fifth')).status, 200);

  // From here on nobody renews: it is warned of at half its life, and then ends, open connections with it.
  const nowMs = Date.now();
  const last = await nextPki.issue({ path: own, notBeforeMs: nowMs - 9000, notAfterMs: nowMs + 10_000 });
  writeSvidFiles(id, last, nextPki.caPem);
  await proxy.untilRecord(({ type }) => type === 'identity.overdue');
  await proxy.untilRecord(({ type }) => type === 'identity.expire');
  t.match(proxy.log(), /"level":"warn","event":"identity.overdue"/);
  await again.client.untilClosed();
  t.equal((await proxy.admin('/readyz')).status, 503);
  const late = await exchange(proxy.port, newClient, requestText('GET', '/late'));
  t.equal(late.text, '');
  await proxy.untilRecord(({ type, reason }) => type === 'tls.reject' && reason === 'own-identity-expired');
  t.equal(workload.hits(), 5);

  // A new one is all that it takes.
  const renewed = await nextPki.issue({ path: own });
  writeSvidFiles(id, renewed, nextPki.caPem);
  await proxy.untilRecord(rotatedTo(renewed));
  const back = await exchange(proxy.port, newClient, requestText('GET', '/back'));
  t.equal(back.answer?.status, 200);
  back.client.close();
  t.notMatch(proxy.log(), /Debugger listening/);
});

void test('at start, and to `check`, a bad file is an error with its place', async (t) => {
  const pki = await makePki({ trustDomain });
  const folder = newFolder(t);
  const id = join(folder, 'id');
  mkdirSync(id);
  writeSvidFiles(id, await pki.issue({ path: '/other' }), pki.caPem + pki.caPem.slice(0, -40));
  const { code, stderr } = await expectNoStart(t, { workloadPort: 1, folder, config: { identity } });
  t.equal(code, 3);
  t.match(
    stderr,
    /^error\[svid-foreign\]: \S+id\/svid\.pem:1: the SVID is spiffe:\/\/test\.example\/other, and identity\.spiffe_id/m,
  );
  t.match(stderr, /; and \S+id\/bundle\.pem:\d+: a certificate in PEM is damaged\n {2}Correct `identity\.spiffe_id`/);
  t.notMatch(stderr, /\n\s+at |PRIVATE KEY/, 'no stack trace, no secret');
  const checked = await portcullis('check', '-c', join(folder, 'portcullis.yaml'));
  t.equal(checked.code, 1);
  t.match(checked.stdout, /id\/svid\.pem:1:1: the SVID is .*; Correct `identity/);
  t.match(checked.stdout, /id\/bundle\.pem:\d+:1: a certificate in PEM is damaged; /);
  t.match(checked.stdout, /\n2 problems\n$/);
});
