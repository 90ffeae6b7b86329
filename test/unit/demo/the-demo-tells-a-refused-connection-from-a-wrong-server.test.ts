import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'tap';
import { send } from '../../../proxy/demo/client.ts';
import { clientFiles, issueIdentities } from '../../../proxy/demo/identities.ts';
import { startOrdersWorkload } from '../../../proxy/demo/orders-workload.ts';

test('the client of the demo', async (t) => {
  const path = t.testdir();
  const folder = { path, configFile: '', stateFolder: `${path}/state`, auditFolder: '' };
  const { root, credentials } = await issueIdentities(folder, Date.now);
  const server = createServer(
    {
      key: credentials.web.key,
      cert: credentials.web.certificate,
      ca: root,
      requestCert: true,
      rejectUnauthorized: true,
      minVersion: 'TLSv1.3',
    },
    (_request, response) => response.end('served'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const right = { port, root, spiffeId: 'spiffe://demo.test/ns/shop/sa/web' };
  const call = { method: 'GET', path: '/' };

  t.same(await send(right, credentials.reports, call), { status: 200, body: 'served' }, 'its own CA is believed');
  t.equal((await send(right, credentials.nobody, call)).status, undefined, 'no certificate: refused');
  t.equal((await send(right, credentials.foreign, call)).status, undefined, 'another CA: refused');
  await t.rejects(send({ ...right, spiffeId: 'spiffe://demo.test/x' }, credentials.web, call), /the server is not/);
  const foreignRoot = readFileSync(clientFiles(folder, 'foreign').root, 'utf8');
  await t.rejects(send({ ...right, root: foreignRoot }, credentials.web, call), { message: /certificate/ });
});

test('the workload of the demo tells who called', async (t) => {
  const workload = await startOrdersWorkload();
  t.teardown(workload.close);
  const url = `http://127.0.0.1:${workload.port}/orders`;
  const headers = { 'x-spiffe-id': 'spiffe://a/b' };
  const placed = await fetch(url, { method: 'POST', headers, body: '{"item":"tea","quantity":1}' });
  t.equal(placed.status, 201);
  t.match(await placed.json(), { caller: 'spiffe://a/b', order: { id: '1002', placedBy: 'spiffe://a/b' } });
  t.match(await (await fetch(`${url}/1002`)).json(), { caller: 'nobody', order: { item: 'tea' } });
  t.equal((await fetch(`${url}/1002`, { method: 'DELETE' })).status, 204);
  t.equal((await fetch(`${url}/1002`)).status, 404);
});
