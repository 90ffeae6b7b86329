import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { type Agent, startAgent, svidOf } from '../harness/agent.ts';
import { type ClientCredential, connectRaw, exchange, requestText } from '../harness/client.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { type AuditRecord, clientId, newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { jwks, mint, tokenKey } from '../harness/user-tokens.ts';
import { startWorkload } from '../harness/workload.ts';
import { type Credential, makePki } from '../pki/pki.ts';

const own = '/ns/t/sa/proxy';
const partner = 'partner.example';
const source = { federation: [partner], overdue_at: 0.5 };
const identity = { trust_domain: trustDomain, spiffe_id: `spiffe://${trustDomain}${own}`, workload_api: source };

async function serialShown(port: number, client: ClientCredential): Promise<string | undefined> {
  const { socket, close } = await connectRaw(port, client);
  const shown = socket.getPeerX509Certificate()?.serialNumber;
  close();
  return shown;
}

const signing = tokenKey('one');
const balancerId = `spiffe://${trustDomain}/ns/t/sa/balancer`;

const serial = (credential: Credential) => credential.serial.toUpperCase();
const rotatedTo =
  (credential: Credential) =>
  ({ type, certificate }: AuditRecord) =>
    type === 'identity.rotate' && (certificate as { serial: string }).serial === serial(credential);

void test('an agent: waited for, its SVIDs used, refused when they are bad, kept when it dies, and gone when they end', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const pki = await makePki({ trustDomain });
  const nextPki = await makePki({ trustDomain });
  const partnerPki = await makePki({ trustDomain: partner });
  const folder = newFolder(t);
  const where = join(folder, 'agent.sock');
  let agent: Agent | undefined;
  const env = { SPIFFE_ENDPOINT_SOCKET: `unix://${where}` };
  const [first, second] = [await pki.issue({ path: own }), await pki.issue({ path: own })];
  const federatedBundles = { [`spiffe://${partner}`]: partnerPki.root.certificate.der };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    folder,
    config: { identity, load_balancers: { peers: [balancerId], jwt_bundles: 'workload_api' } },
    env,
    whileStarting: async ({ untilLog, admin }) => {
      await untilLog((log) => /"level":"warn","event":"identity.wait".*"reason":"workload-api-unavailable"/.test(log));
      t.equal((await admin('/livez')).status, 200);
      const { status, body } = await admin('/readyz');
      t.equal(status, 503);
      t.match(body, `waiting for an identity: unix://${where}: UNAVAILABLE`);
      t.match((await admin('/metrics')).body, 'portcullis_identity_refreshes_total');
      t.match((await admin('/snapshot')).body, 'waiting for an identity');
      const rego = join(folder, 'policy/authz.rego');
      const late = 'if { $1; input.attributes.request.http.path != "/late" }';
      writeFileSync(rego, readFileSync(rego, 'utf8').replace(/if (.*)$/m, late));
      agent = await startAgent(t, where);
      agent.offer({ svids: [svidOf(pki, first, own)], federatedBundles });
    },
  });
  t.match(await proxy.untilRecord(({ type }) => type === 'identity.wait'), { reason: 'workload-api-unavailable' });
  t.equal((await proxy.admin('/readyz')).status, 200);
  const client = await pki.issue({ path: '/ns/t/sa/client' });
  const kept = await keepConnection(proxy.port, client);
  t.equal((await kept.ask('/first')).status, 200);
  t.equal((await kept.ask('/late')).status, 403, 'what changed while the agent was waited for is in force');
  t.equal(await serialShown(proxy.port, client), serial(first));
  const stranger = await partnerPki.issue({ path: '/ns/t/sa/client' });
  const foreign = await keepConnection(proxy.port, stranger);
  t.equal((await foreign.ask('/foreign')).status, 403, 'who is federated is known, and policy decides');

  agent?.offer({ svids: [svidOf(pki, second, own)], federatedBundles });
  await proxy.untilRecord(rotatedTo(second));
  t.equal(await serialShown(proxy.port, client), serial(second));
  t.equal((await kept.ask('/second')).status, 200, 'who was connected goes on');

  // Its JWT bundles come beside its SVIDs, once a configuration asks for them.
  const balancer = await pki.issue({ path: '/ns/t/sa/balancer' });
  const aud = `spiffe://${trustDomain}${own}`;
  const jwtSvid = mint(signing, { sub: clientId, aud, exp: Math.floor(Date.now() / 1000) + 300 }, { typ: 'JWT' });
  const present = async () => {
    const text = requestText('GET', '/presented', [`X-Jwt-Svid: ${jwtSvid}`]);
    const { answer, client: balancing } = await exchange(proxy.port, balancer, text);
    balancing.close();
    return answer;
  };
  const early = await present();
  t.equal(early?.status, 503);
  t.match(early?.body, 'caller-keys-unavailable');
  agent?.offerJwtBundles({ [`spiffe://${trustDomain}`]: jwks(signing) });
  const given = await proxy.untilRecord(({ type }) => type === 'keys.change');
  t.match(given, { detail: new RegExp(`^spiffe://${trustDomain}: keys one; sha256 `) });
  t.equal((await present())?.status, 200);

  const { x509SvidKey } = svidOf(pki, first, own);
  agent?.offer({ svids: [svidOf(pki, second, own, { x509SvidKey })], federatedBundles });
  const refused = await proxy.untilRecord(({ type }) => type === 'identity.renewal-failed');
  t.match(refused, { reason: 'key-mismatch', outcome: 'error', certificate: { serial: serial(second) } });
  t.match(proxy.log(), /"event":"identity.refresh-failed".*"reason":"key-mismatch"/);
  t.equal(await proxy.metric('portcullis_identity_refreshes_total{part="svid",outcome="refused"}'), 1);
  t.equal(await proxy.metric('portcullis_identity_refreshes_total{part="svid",outcome="used"}'), 1);
  t.equal(await serialShown(proxy.port, client), serial(second));

  // Without the partner's bundle nobody of the partner stays; both CAs overlap, then the old root goes, and its clients with it.
  const both = Buffer.concat([pki.root.certificate.der, nextPki.root.certificate.der]);
  const moved = await nextPki.issue({ path: own });
  agent?.offer({ svids: [svidOf(nextPki, moved, own, { bundle: both })] });
  await proxy.untilRecord(rotatedTo(moved));
  await foreign.client.untilClosed();
  t.equal((await kept.ask('/third')).status, 200);
  agent?.offer({ svids: [svidOf(nextPki, moved, own)] });
  await kept.client.untilClosed();
  t.pass('an open connection ended with its root');
  const newClient = await nextPki.issue({ path: '/ns/t/sa/client' });
  const again = await keepConnection(proxy.port, newClient);
  t.equal((await again.ask('/fourth')).status, 200);

  // The last that this agent does: from here on nobody renews.
  const nowMs = Date.now();
  const last = await nextPki.issue({ path: own, notBeforeMs: nowMs - 9000, notAfterMs: nowMs + 10_000 });
  agent?.offer({ svids: [svidOf(nextPki, last, own)] });
  await proxy.untilRecord(rotatedTo(last));
  agent?.stop();
  await proxy.untilRecord(
    ({ type, reason }) => type === 'identity.renewal-failed' && reason === 'workload-api-unavailable',
  );
  t.equal((await again.ask('/fifth')).status, 200, 'an agent that is away takes nothing');
  await proxy.untilRecord(({ type }) => type === 'identity.overdue');
  await proxy.untilRecord(({ type }) => type === 'identity.expire');
  await again.client.untilClosed();
  t.equal((await proxy.admin('/readyz')).status, 503);
  const late = await exchange(proxy.port, newClient, requestText('GET', '/late'));
  t.equal(late.text, '');
  await proxy.untilRecord(({ type, reason }) => type === 'tls.reject' && reason === 'own-identity-expired');
  t.equal(workload.hits(), 6);
});
