import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { parseSpiffeId } from '../../certs/spiffe-id.ts';
import { connectRaw } from '../harness/client.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { eventually } from '../harness/process.ts';
import { type AuditRecord, clientId, newFolder, openCa, startProxy, trustDomain } from '../harness/proxy.ts';
import { startSpire } from '../harness/spire.ts';
import { startWorkload } from '../harness/workload.ts';
import { startWorkloadApi } from '../harness/workload-api.ts';

// `SPIRE_BIN=folder npm run test:spire`. Nothing of SPIRE is in a registry that this project installs from.
const programs = process.env['SPIRE_BIN'] || undefined;
const skip = programs === undefined && 'no SPIRE: SPIRE_BIN=folder with spire-server and spire-agent';

void test('SPIRE: our SVID from its agent, its successor, and what is left when the agent is gone', {
  skip,
}, async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const own = `spiffe://${trustDomain}/ns/t/sa/proxy`;
  // The agent knows this user by two names, and gives both: the proxy takes the one that it is configured to be.
  const entries = [`spiffe://${trustDomain}/ns/t/sa/neighbour`, own].map((spiffeId) => ({ spiffeId, svidSeconds: 30 }));
  const spire = await startSpire(t, { programs: programs ?? '', folder: newFolder(t), trustDomain, entries });
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      identity: { trust_domain: trustDomain, spiffe_id: own, workload_api: { socket: `unix://${spire.socket}` } },
      limits: { keep_alive: '5m', drain_after_rotation: '2s' },
    },
  });
  const client = await spire.mint(clientId);
  const shown = async () => {
    // A SPIFFE ID is no host name; that the path ends in a root of SPIRE is what is verified.
    const verified = { ca: spire.bundlePem, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    const { socket, close } = await connectRaw(proxy.port, client, verified);
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    close();
    return { id: certificate?.subjectAltName, serial: certificate?.serialNumber };
  };
  const first = await shown();
  t.equal(first.id, `URI:${own}`);
  const kept = await keepConnection(proxy.port, client);
  t.equal((await kept.ask('/first')).status, 200);

  const serialIn = ({ certificate }: AuditRecord) => (certificate as { readonly serial: string }).serial;
  const rotated = await proxy.untilRecord(({ detail }) => detail === `replaces serial ${first.serial}`);
  t.match(rotated, { type: 'identity.rotate', certificate: { spiffe: own } });
  t.not(serialIn(rotated), first.serial);
  const second = await shown();
  t.equal(second.id, `URI:${own}`);
  t.not(second.serial, first.serial);
  await kept.client.untilClosed();
  await proxy.untilRecord(({ type, reason }) => type === 'tls.end' && reason === 'own-svid-replaced');

  const stranger = await keepConnection(proxy.port, await spire.mint(`spiffe://${trustDomain}/ns/t/sa/stranger`));
  t.equal((await stranger.ask('/stranger')).status, 403, 'its certificate is good, and policy decides');
  stranger.client.close();
  await spire.stopAgent();
  const gone = await proxy.untilRecord(({ type }) => type === 'identity.renewal-failed');
  t.match(gone, { reason: 'workload-api-unavailable', outcome: 'error' });
  const again = await keepConnection(proxy.port, client);
  t.equal((await again.ask('/second')).status, 200, 'an agent that is away takes nothing');
  again.client.close();
  t.equal(workload.hits(), 2);
});

void test('SPIRE: workloads of its trust domain are believed by what its bundle endpoint serves, root by root', {
  skip,
}, async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const partner = 'partner.example';
  const spire = await startSpire(t, {
    programs: programs ?? '',
    folder: newFolder(t),
    trustDomain: partner,
    entries: [],
  });
  const endpoint = { profile: 'https_spiffe', endpoint_spiffe_id: `spiffe://${partner}/spire/server` };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    files: { 'partner.json': await spire.ask('bundle', 'show', '-format', 'spiffe') },
    config: {
      federation: [
        { trust_domain: partner, url: spire.bundleUrl, ...endpoint, bootstrap: './partner.json', refresh: '1s' },
      ],
      fetch: { allow: ['127.0.0.0/8', '::1'] },
      limits: { head: '5m', keep_alive: '5m' },
    },
  });
  const changed = (what: RegExp) =>
    proxy.untilRecord(({ type, detail }) => type === 'trust.change' && what.test(String(detail)));
  const open = async () => keepConnection(proxy.port, await spire.mint(`spiffe://${partner}/web`));
  const authority = async (...words: readonly string[]) => {
    const said = await spire.ask('localauthority', 'x509', ...words, '-output', 'json');
    return JSON.parse(said) as Readonly<Record<string, { readonly authority_id: string }>>;
  };
  // The first may have come before the start was over, which is no change then.
  const fetched = 'portcullis_fetches_total{kind="federated-bundle",outcome="fetched"}';
  await eventually(async () => (await proxy.metric(fetched)) > 1);
  const first = await open();
  t.equal((await first.ask('/a')).status, 403, 'its certificate is good, and policy decides');

  const { active } = await authority('show');
  const { prepared_authority: prepared } = await authority('prepare');
  await changed(new RegExp(`^roots added: (?!.*${active?.authority_id})`));
  await authority('activate', '-authorityID', prepared?.authority_id ?? '');
  const second = await open();
  t.equal((await second.ask('/b')).status, 403, 'by its next root');
  await authority('taint', '-authorityID', active?.authority_id ?? '');
  await authority('revoke', '-authorityID', active?.authority_id ?? '');
  await first.client.untilClosed();
  await changed(/^roots removed/);
  t.match(await proxy.untilRecord(({ type }) => type === 'tls.end'), { reason: 'untrusted' });
  t.equal((await second.ask('/c')).status, 403, 'and who came by the other one stays');
  second.client.close();
});

void test('SPIRE believes the bundle that we serve, and its agent has a proxy believe our workloads', {
  skip,
}, async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const bundles = `spiffe://${trustDomain}/bundles`;
  const api = await startWorkloadApi(t, {
    sockets: [{ path: './web/api.sock', svids: [{ spiffe_id: clientId }] }],
    bundle_endpoint: { listen: '127.0.0.1:0', profile: 'https_spiffe', spiffe_id: bundles },
  });
  const port = /"bundle_endpoint":"[^"]*:(\d+)"/.exec(api.log())?.[1];
  const ca = await openCa(api.folder);
  t.teardown(() => ca.close());
  const root = ca.trustBundle()[0]?.rootsPem[0] ?? '';
  writeFileSync(join(api.folder, 'root.pem'), root);

  const partner = 'partner.example';
  const own = `spiffe://${partner}/proxy`;
  const folder = newFolder(t);
  const spire = await startSpire(t, { programs: programs ?? '', folder, trustDomain: partner, entries: [] });
  const at = ['-trustDomain', trustDomain, '-bundleEndpointURL', `https://localhost:${port}/`];
  const by = ['-bundleEndpointProfile', 'https_spiffe', '-endpointSpiffeID', bundles];
  await spire.ask('federation', 'create', ...at, ...by, '-trustDomainBundlePath', join(api.folder, 'root.pem'));
  await spire.ask('federation', 'refresh', '-id', `spiffe://${trustDomain}`);
  const fetched = await spire.ask('bundle', 'list', '-id', `spiffe://${trustDomain}`, '-format', 'spiffe');
  t.match(
    JSON.parse(fetched),
    { keys: [{ use: 'x509-svid' }, { use: 'jwt-svid' }] },
    'the keys of tokens came with it',
  );
  await spire.register({ spiffeId: own, svidSeconds: 300 }, '-federatesWith', `spiffe://${trustDomain}`);

  const source = { socket: `unix://${spire.socket}`, federation: [trustDomain] };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { identity: { trust_domain: partner, spiffe_id: own, workload_api: source } },
  });
  const { chainPem, keyPem } = await ca.issue({ spiffeId: parseSpiffeId(clientId), lifetimeMs: 60_000 });
  const ours = await keepConnection(proxy.port, { certPem: chainPem, keyPem });
  t.equal((await ours.ask('/a')).status, 200);
  ours.client.close();
});

void test('SPIRE: a caller behind a load balancer is who its JWT-SVID says, by the keys that the agent pushes', {
  skip,
}, async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const own = `spiffe://${trustDomain}/ns/t/sa/proxy`;
  const balancer = `spiffe://${trustDomain}/balancer`;
  const entries = [own, clientId].map((spiffeId) => ({ spiffeId, svidSeconds: 300 }));
  const spire = await startSpire(t, { programs: programs ?? '', folder: newFolder(t), trustDomain, entries });
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: {
      identity: { trust_domain: trustDomain, spiffe_id: own, workload_api: { socket: `unix://${spire.socket}` } },
      load_balancers: { peers: [balancer], jwt_bundles: 'workload_api' },
    },
  });
  const { client, ask } = await keepConnection(proxy.port, await spire.mint(balancer));
  const token = await spire.jwtSvid(clientId, own);
  const shown = [`x-jwt-svid: ${token}`];
  await eventually(async () => (await ask('/until-its-keys-are-there', shown)).status !== 503);
  t.equal((await ask('/orders', shown)).status, 200);
  t.match(await proxy.untilRecord(({ type }) => type === 'authz.allow'), {
    peer: { spiffe: balancer },
    caller: { spiffe: clientId },
  });
  t.match(await ask('/orders'), { body: /"code":"caller-token-missing"/ });
  const forOthers = await spire.jwtSvid(clientId, `spiffe://${trustDomain}/other`);
  t.match(await ask('/orders', [`x-jwt-svid: ${forOthers}`]), {
    status: 403,
    body: /"code":"caller-token-wrong-audience"/,
  });
  client.close();
});
