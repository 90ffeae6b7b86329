import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'tap';
import { replaceFile } from '../harness/change-files.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { authorityPem } from '../pki/authority.ts';
import { type Credential, makePki, type Pki } from '../pki/pki.ts';

const path = '/ns/t/sa/client';

/** A server of one document, and without one of errors. */
async function serveList() {
  const served: { list: string | undefined } = { list: undefined };
  const server = createServer((_, response) => {
    response.writeHead(served.list === undefined ? 503 : 200).end(served.list);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ca.crl`;
  return { served, url, close: () => server.close() };
}

void test('a list from a file and one from a URL end connections, and an old or a missing list lets nobody in', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  // Lists of the real time, which the proxy has.
  const nowMs = Date.now();
  const [mine, theirs] = [await makePki({ trustDomain, nowMs }), await makePki({ trustDomain, nowMs })];
  const list = (pki: Pki, serials: readonly string[], options = {}) => pki.crl(serials, options);
  const lists = await serveList();
  t.teardown(lists.close);
  const own = await mine.issue({ path: '/ns/t/sa/proxy' });
  const folder = newFolder(t);
  writeFileSync(join(folder, 'own.key'), own.keyPem, { mode: 0o600 });
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    folder,
    config: {
      identity: {
        trust_domain: trustDomain,
        spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy`,
        files: { certificate: './own.pem', key: './own.key', bundle: './bundle.pem' },
      },
      limits: { head: '5m', keep_alive: '5m' },
      crls: [
        { issuer: './theirs.pem', file: './theirs.crl' },
        { issuer: './mine.pem', url: lists.url, refresh: '1s' },
      ],
      fetch: { allow: ['127.0.0.1'] },
    },
    files: {
      'own.pem': own.certPem,
      'bundle.pem': mine.caPem + theirs.caPem,
      'mine.pem': authorityPem(mine.intermediate),
      'theirs.pem': authorityPem(theirs.intermediate),
      'theirs.crl': await list(theirs, []),
    },
  });
  const open = async (credential: Credential) => ({ ...(await keepConnection(proxy.port, credential)), credential });
  const endOf = ({ serial }: Credential) =>
    proxy.untilRecord(({ type, peer }) => type === 'tls.end' && (peer as { serial?: string }).serial === serial);
  const first = await mine.issue({ path });

  await t.test('before the first list has come', async (t) => {
    const ready = await proxy.admin('/readyz');
    t.match(
      [ready.status, JSON.parse(ready.body)],
      [503, { conditions: [{}, {}, { name: 'revocation', ok: false, detail: new RegExp(lists.url) }] }],
    );
    const record = await expectRefusal(t, proxy, 'a peer of that CA', 'revocation-unknown', offering(proxy, first));
    t.match(record, { detail: new RegExp(`^the list of CN=.* has not come from ${lists.url} yet$`) });
    await proxy.untilRecord(({ type, detail }) => type === 'fetch.failed' && /status 503/.test(String(detail)));
    lists.served.list = await list(mine, []);
    await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && String(detail).includes(lists.url));
    await proxy.untilLog((log) => log.includes('fetch.recovered'));
    t.equal((await proxy.admin('/readyz')).status, 200);
  });

  const good = await open(first);
  const [byFile, byUrl] = [await open(await theirs.issue({ path })), await open(await mine.issue({ path }))];
  t.match(await Promise.all([good, byFile, byUrl].map(({ ask }) => ask('/before'))), [
    { status: 200 },
    { status: 200 },
    { status: 200 },
  ]);

  await t.test('from the file', async (t) => {
    const { client, credential } = byFile;
    const began = performance.now();
    replaceFile(proxy, 'theirs.crl', await list(theirs, [credential.serial]));
    await client.untilClosed();
    t.comment(`${Math.round(performance.now() - began)} ms until the connection was closed`);
    const why = `serial ${credential.serial} is revoked by CN=${trustDomain} intermediate`;
    t.match(await endOf(credential), { reason: 'revoked', detail: why });
    const change = await proxy.untilRecord(
      ({ type, detail }) => type === 'trust.change' && /revoked/.test(String(detail)),
    );
    t.match(change, {
      detail: new RegExp(`^newly revoked: ${credential.serial}; revocation lists replaced: .*theirs.crl`),
    });
    replaceFile(proxy, 'theirs.crl', await list(mine, []));
    t.match(await proxy.untilRecord(({ type }) => type === 'config.reject'), {
      detail: /not signed by any of its issuers/,
    });
    await expectRefusal(t, proxy, 'the last good list stays', 'revoked', offering(proxy, credential));
  });

  await t.test(
    'from the URL, although the file is still broken, and a list from before does not bring it back',
    async (t) => {
      const { client, credential } = byUrl;
      const [before, after] = [
        await list(mine, [], { thisUpdateMs: nowMs - 90_000 }),
        await list(mine, [credential.serial]),
      ];
      lists.served.list = after;
      await client.untilClosed();
      t.match(await endOf(credential), { reason: 'revoked' });
      lists.served.list = before;
      const isOld = /is older than the one there is$/;
      const refused = await proxy.untilRecord(
        ({ type, detail }) => type === 'fetch.failed' && isOld.test(String(detail)),
      );
      t.match(refused, { outcome: 'error', reason: 'fetch-refused' });
      await expectRefusal(t, proxy, 'a new connection', 'revoked', offering(proxy, credential));
      t.ok((await proxy.metric('portcullis_fetches_total{kind="revocation-list",outcome="failed"}')) > 0);
      t.equal((await good.ask('/still')).status, 200);
      lists.served.list = after;
      await proxy.untilLog((log) => log.split('fetch.recovered').length === 3);
    },
  );

  await t.test('a list that ends, and none that follows it', async (t) => {
    const endsMs = Math.ceil(Date.now() / 1000) * 1000 + 3000;
    lists.served.list = await list(mine, [], { thisUpdateMs: nowMs - 30_000, nextUpdateMs: endsMs });
    const began = new Date(nowMs - 30_000).toISOString().slice(0, 19);
    await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && String(detail).includes(`(of ${began}`));
    lists.served.list = undefined;
    await good.client.untilClosed();
    t.match(await endOf(good.credential), {
      reason: 'untrusted',
      detail: /^no current CRL signed by .*; the last ended 20/,
    });
    await expectRefusal(t, proxy, 'nobody knows', 'revocation-unknown', offering(proxy, good.credential));
  });
});
