import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'tap';
import { derToPem } from '../../certs/certificate.ts';
import { grpcMethod, message } from '../../certs/workload-api/proto/message.ts';
import { SpiffeWorkloadAPI, X509SVIDRequestSchema } from '../../certs/workload-api/proto/workload_pb.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';
import { grpcClient, pemOf } from '../harness/workload-api.ts';

const fetchX509SVID = grpcMethod(SpiffeWorkloadAPI.method.fetchX509SVID);

void test('a workload takes its SVID from the proxy and calls it, and one audit says both', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    config: { workload_api: { sockets: [{ path: './client/api.sock', svids: [{ spiffe_id: clientId }] }] } },
  });
  const api = grpcClient(t, join(proxy.folder, 'client/api.sock'));
  await t.rejects(api.stream(fetchX509SVID, message(X509SVIDRequestSchema, {}), { metadata: {} }).next(), { code: 3 });
  const answers = api.stream(fetchX509SVID, message(X509SVIDRequestSchema, {}));
  const { svids } = await answers.next();
  const [svid] = svids;
  if (svid === undefined) throw new TypeError('no SVID');
  const credential = { certPem: pemOf(svid.x509Svid), keyPem: derToPem(svid.x509SvidKey, 'PRIVATE KEY') };
  const kept = await keepConnection(proxy.port, credential);
  t.equal((await kept.ask('/a')).status, 200);
  const { serialNumber: serial } = new X509Certificate(credential.certPem);
  t.match(await proxy.untilRecord(({ type }) => type === 'svid.deliver'), {
    stream: 'control',
    certificate: { spiffe: clientId, serial },
    file: join(proxy.folder, 'client/api.sock'),
  });
  t.match(await proxy.untilRecord(({ type }) => type === 'svid.refuse'), { reason: 'INVALID_ARGUMENT' });

  await proxy.ca.revoke(serial);
  await kept.client.untilClosed();
  let next = await answers.next();
  while (new X509Certificate(next.svids[0]?.x509Svid ?? new Uint8Array()).serialNumber === serial)
    next = await answers.next();
  t.pass('a revoked SVID ends its connections, and its workload is given another');
  t.equal(await proxy.stop(), 0);
  t.match(
    proxy
      .audit()
      .filter(({ stream }) => stream === 'control')
      .at(-2),
    { type: 'proc.stop' },
  );
});
