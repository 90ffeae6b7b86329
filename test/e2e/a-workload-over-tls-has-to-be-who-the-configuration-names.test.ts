import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { oids } from '../../certs/certificate.ts';
import { changeConfig, replaceFile, untilInForce } from '../harness/change-files.ts';
import { type ClientCredential, exchange, requestText } from '../harness/client.ts';
import { newFolder, startProxy, type TestProxy, trustDomain } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { startTlsWorkload } from '../harness/tls-workload.ts';
import { startWorkload } from '../harness/workload.ts';
import { makePki } from '../pki/pki.ts';
import { writeSvidFiles } from '../pki/svid-files.ts';

const id = (path: string) => `spiffe://${trustDomain}${path}`;
/** The policies of both proxies let this ID in: our client has it, and our front proxy itself. */
const own = '/ns/t/sa/client';
const workloadPath = '/ns/t/sa/workload';
const large = Buffer.alloc(1 << 20, 'from the workload; ');
const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

async function ask(proxy: TestProxy, client: ClientCredential, text: string) {
  const { answer, client: connection } = await exchange(proxy.port, client, text);
  connection.close();
  const problem = answer?.headers.get('content-type') === 'application/problem+json' ? JSON.parse(answer.body) : {};
  return { status: answer?.status, code: (problem as { code?: string }).code, answer };
}

void test('from the first byte of the handshake to the end of the connection', async (t) => {
  // Behind it stands a proxy with the local CA, which signs for everybody here.
  const plain = await startWorkload();
  t.teardown(plain.close);
  const back = await startProxy(t, { workloadPort: plain.port });
  const pki = await proxyPki(back.folder);
  const otherRoot = await makePki({ trustDomain });
  const stranger = await makePki({ trustDomain });
  const folder = newFolder(t);
  const files = join(folder, 'id');
  mkdirSync(files);
  const bothRoots = pki.caPem + otherRoot.caPem;
  const [first, second, client] = await Promise.all([
    pki.issue({ path: own }),
    pki.issue({ path: own }),
    pki.issue({ path: own }),
  ]);
  writeSvidFiles(files, first, bothRoots);

  const handled: (string | undefined)[] = [];
  const held: ServerResponse[] = [];
  let heldMore: () => void = () => undefined;
  const workload = await startTlsWorkload(t, folder, pki.caPem, (request, response, shown) => {
    handled.push(request.url);
    if (request.url === '/held') {
      held.push(response);
      return heldMore();
    }
    if (request.url === '/large') return void response.end(large);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.end(JSON.stringify({ ...shown, body: digest(Buffer.concat(chunks)) })));
  });
  const good = await pki.issue({ path: workloadPath });
  workload.present(good);
  const tls = { spiffe_ids: [id(workloadPath), id('/ns/t/sa/proxy')] };
  const address = { address: `127.0.0.1:${workload.port}`, tls, connect_timeout: '1m' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    folder,
    config: {
      identity: {
        trust_domain: trustDomain,
        spiffe_id: id(own),
        files: { certificate: './id/svid.pem', key: './id/svid.key', bundle: './id/bundle.pem' },
      },
      denylist: './denylist',
      workload: address,
    },
    files: { denylist: '' },
  });
  const get = (target: string) => ask(proxy, client, requestText('GET', target));
  const post = (target: string, body: string) => ask(proxy, client, requestText('POST', target, [], body));
  const recordOf = (target: string) =>
    proxy.untilRecord((record) => (record['object'] as { target?: string } | undefined)?.target === target);
  /** A request that has reached the workload, and its answer once there is one. */
  const hold = async () => {
    const arrived = new Promise<void>((resolve) => (heldMore = resolve));
    const answer = get('/held');
    await arrived;
    return { answer, finish: () => held.pop()?.end('at last') };
  };
  const refused = async (target: string, detail: RegExp) => {
    t.match(await get(target), { status: 502, code: 'upstream-unverified' }, target);
    const record = await recordOf(target);
    t.match(record, { type: 'upstream.error', reason: 'upstream-unverified', detail }, target);
    t.notOk(record['dst'], 'nothing was sent');
  };
  const ends = (reason: string) =>
    proxy.audit().filter((record) => record.type === 'tls.end' && record.reason === reason && 'dst' in record);

  const one = await get('/one');
  t.equal(one.status, 200);
  t.match(JSON.parse(one.answer?.body ?? ''), {
    names: `URI:${id(own)}`,
    serial: first.serial.toUpperCase(),
    serverName: false,
    alpn: 'http/1.1',
    version: 'TLSv1.3',
    authorized: true,
  });
  t.match(await recordOf('/one'), {
    type: 'authz.allow',
    dst: { ip: '127.0.0.1', port: workload.port, spiffe: id(workloadPath) },
  });
  const body = 'b'.repeat(300_000);
  const posted = await post('/post', body);
  t.equal(JSON.parse(posted.answer?.body ?? '').body, digest(Buffer.from(body)));
  t.equal(digest(Buffer.from((await get('/large')).answer?.body ?? '')), digest(large));
  t.equal((await get('/again')).status, 200);
  t.equal(workload.connections.length, 1, 'one connection for all of them');

  t.comment('our own SVID is replaced');
  writeSvidFiles(files, second, bothRoots);
  await workload.connections[0]?.closed;
  t.match(JSON.parse((await get('/rotated')).answer?.body ?? ''), { serial: second.serial.toUpperCase() });
  t.equal(workload.connections.length, 2);

  const finishing = await hold();
  const rotated = proxy.audit().filter(({ type }) => type === 'identity.rotate').length;
  writeSvidFiles(files, first, bothRoots);
  await proxy.untilRecord(() => proxy.audit().filter(({ type }) => type === 'identity.rotate').length > rotated);
  finishing.finish();
  t.equal((await finishing.answer).status, 200, 'what is under way comes to its end');
  await workload.connections[1]?.closed;
  t.same(ends('own-svid-replaced'), [], 'which is nobody’s fault, and no event');

  t.comment('it is denied: while it answers, while it waits, and when it comes again');
  const cut = await hold();
  t.equal((await get('/beside')).status, 200);
  t.equal(workload.connections.length, 4);
  replaceFile(proxy, 'denylist', `spiffe-id ${id(workloadPath)} # gone bad\n`);
  t.match(await cut.answer, { status: 502, code: 'upstream-unverified' });
  await Promise.all(workload.connections.map(({ closed }) => closed));
  t.match(await recordOf('/held'), { dst: { spiffe: id(workloadPath) } });
  const end = { peer: { spiffe: id(workloadPath), serial: good.serial.toUpperCase() }, outcome: 'deny' };
  await proxy.untilRecord(() => ends('revoked').length === 2);
  t.match(ends('revoked'), [end, end]);
  t.match(ends('revoked')[0], { dst: { port: workload.port, spiffe: id(workloadPath) }, detail: /gone bad/ });
  await refused('/denied', /the workload: denylisted: .*gone bad/);
  await untilInForce(proxy, () => replaceFile(proxy, 'denylist', ''));

  t.comment('its certificate ends while it answers');
  // On a machine that takes longer for a handshake than that, the next one lives longer.
  for (let lifeMs = 2500; ends('expired').length === 0; lifeMs *= 2) {
    workload.present(await pki.issue({ path: workloadPath, notAfterMs: Date.now() + lifeMs }));
    t.match(await get('/held'), { status: 502, code: 'upstream-unverified' });
  }
  t.match(ends('expired'), [{ dst: { spiffe: id(workloadPath) } }]);

  t.comment('its root is removed while it waits');
  workload.present(await otherRoot.issue({ path: workloadPath }));
  t.equal((await get('/other-root')).status, 200);
  writeFileSync(join(files, 'bundle.pem'), pki.caPem);
  await workload.connections.at(-1)?.closed;
  await proxy.untilRecord(() => ends('untrusted').length > 0);
  t.match(ends('untrusted'), [{ dst: { spiffe: id(workloadPath) } }]);
  await refused('/root-removed', /the workload: untrusted: /);

  handled.length = 0;
  for (const [name, credential, options, detail] of [
    [
      'wrong-id',
      await pki.issue({ path: '/ns/t/sa/other' }),
      {},
      /unexpected-id: \S+\/sa\/other, serial \w+, is none of/,
    ],
    ['foreign-ca', await stranger.issue({ path: workloadPath }), {}, /untrusted: /],
    ['expired', await pki.issue({ path: workloadPath, notAfterMs: Date.now() - 60_000 }), {}, /expired: /],
    ['no-svid', await pki.issue({ names: [{ type: 'dns', value: 'localhost' }] }), {}, /not-an-svid: /],
    ['for-clients', await pki.issue({ path: workloadPath, extendedKeyUsage: [oids.clientAuth] }), {}, /wrong-usage: /],
    ['tls-1.2', good, { maxVersion: 'TLSv1.2' }, /protocol: E/],
    ['only-h2', good, { ALPNProtocols: ['h2'] }, /protocol: E/],
  ] as const) {
    workload.present(credential, options);
    await refused(`/${name}`, detail);
  }
  for (const [name, how, detail] of [
    [
      'clear-text',
      (socket: Socket) => socket.once('data', () => socket.end('HTTP/1.1 400 No\r\n\r\n')),
      /protocol: ERR_SSL/,
    ],
    ['closes-at-once', (socket: Socket) => socket.destroy(), /protocol: E/],
    ['closes', (socket: Socket) => socket.once('data', () => socket.end()), /protocol: E/],
  ] as const) {
    workload.misbehave(how);
    await refused(`/${name}`, detail);
  }
  t.same(handled, [], 'whoever was refused has been sent nothing');
  workload.misbehave(undefined);
  workload.present(good, { ca: stranger.caPem });
  // TLS 1.3: the client hears of it after its first request, which the workload may have read for all it knows.
  t.match(await get('/we-are-refused'), { status: 502, code: 'upstream-reset' });

  t.comment('it stalls in the handshake');
  await untilInForce(proxy, () => changeConfig(proxy, { workload: { ...address, connect_timeout: '50ms' } }));
  workload.misbehave((socket) => socket.resume());
  await refused('/stalls', /the workload: handshake-timeout: /);
  workload.misbehave(undefined);

  t.comment('other places, while it runs');
  workload.present(good);
  await untilInForce(proxy, () =>
    changeConfig(proxy, { workload: { ...address, address: `unix:${workload.socketPath}` } }),
  );
  t.equal((await get('/unix')).status, 200);
  t.match(await recordOf('/unix'), { dst: { path: workload.socketPath, spiffe: id(workloadPath) } });
  await untilInForce(proxy, () => changeConfig(proxy, { workload: { ...address, address: `127.0.0.1:${back.port}` } }));
  for (const target of ['/chain', '/chain-again']) t.equal((await get(target)).status, 200);
  t.equal(JSON.parse((await post('/chained', body)).answer?.body ?? '').bytes, body.length);
  t.match(await recordOf('/chain'), { dst: { spiffe: id('/ns/t/sa/proxy') } });
  t.match(
    back.audit().filter(({ type }) => type === 'authz.allow'),
    Array.from({ length: 3 }, () => ({ peer: { spiffe: id(own), serial: first.serial.toUpperCase() } })),
  );
  await untilInForce(proxy, () => changeConfig(proxy, { workload: `127.0.0.1:${plain.port}` }));
  t.equal((await get('/plain')).status, 200);
  t.notMatch(await recordOf('/plain'), { dst: { spiffe: String } });

  t.equal(await proxy.metric('portcullis_workload_handshakes_total{outcome="unexpected-id"}'), 1);
  t.equal(await proxy.metric('portcullis_workload_handshakes_total{outcome="handshake-timeout"}'), 1);
  t.equal(await proxy.metric('portcullis_workload_handshakes_total{outcome="verified"}'), 9);
  t.notMatch(proxy.log(), /"event":"connection.bug"/);
});
