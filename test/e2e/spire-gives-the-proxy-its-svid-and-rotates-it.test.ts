import { test } from 'tap';
import { connectRaw } from '../harness/client.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { type AuditRecord, clientId, newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { startSpire } from '../harness/spire.ts';
import { startWorkload } from '../harness/workload.ts';

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
