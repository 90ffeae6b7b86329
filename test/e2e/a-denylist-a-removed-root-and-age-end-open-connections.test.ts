import { X509Certificate, createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'tap';
import { changeConfig, replaceFile } from '../harness/change-files.ts';
import { requestText } from '../harness/client.ts';
import { keepConnection } from '../harness/kept-connection.ts';
import { newFolder, startProxy, trustDomain } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { type Credential, makePki } from '../pki/pki.ts';

const path = '/ns/t/sa/client';

const keyOf = ({ certPem }: Credential) =>
  createHash('sha256')
    .update(new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

void test('what ends an identity or a connection ends it while it is open, and says why', async (t) => {
  const responses = new Map<string, ServerResponse>();
  const workload = await startWorkload(({ url = '' }, _, response) => {
    if (url !== '/stream' && url !== '/late') return void response.end('here');
    responses.set(url, response);
    if (url === '/stream') response.write('first words');
  });
  t.teardown(workload.close);
  const [mine, theirs] = [await makePki({ trustDomain }), await makePki({ trustDomain })];
  const own = await mine.issue({ path: '/ns/t/sa/proxy' });
  const folder = newFolder(t);
  writeFileSync(join(folder, 'own.key'), own.keyPem, { mode: 0o600 });
  const identity = {
    trust_domain: trustDomain,
    spiffe_id: `spiffe://${trustDomain}/ns/t/sa/proxy`,
    files: { certificate: './own.pem', key: './own.key', bundle: './bundle.pem' },
  };
  const limits = { head: '5m', keep_alive: '5m' };
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    folder,
    config: { identity, limits, denylist: './denylist' },
    files: { 'own.pem': own.certPem, 'bundle.pem': mine.caPem + theirs.caPem, denylist: '# nobody yet\n' },
  });
  const open = async (credential: Credential) => {
    const kept = await keepConnection(proxy.port, credential);
    return { ...kept, credential, status: (await kept.ask('/before')).status };
  };
  const ends = (reason: string) =>
    proxy.audit().filter((record) => record.type === 'tls.end' && record.reason === reason);
  const ended = (reason: string) => proxy.metric(`portcullis_connections_ended_total{reason="${reason}"}`);
  const takes = async (
    what: string,
    change: () => void,
    closed: readonly { readonly client: { untilClosed: () => Promise<string> } }[],
  ) => {
    const began = performance.now();
    change();
    const seen = await Promise.all(closed.map(({ client }) => client.untilClosed()));
    t.comment(`${what}: ${Math.round(performance.now() - began)} ms until the connections were closed`);
    return seen;
  };
  const good = await open(await mine.issue({ path }));
  const busy = await open(await mine.issue({ path }));
  const foreign = await open(await theirs.issue({ path }));
  t.match([good.status, foreign.status], [200, 200]);

  await t.test('the denylist: by SPIFFE ID, prefix, serial and key, idle and in the middle of a stream', async (t) => {
    const byId = await open(await mine.issue({ path: '/ns/t/sa/stranger' }));
    const byPrefix = await open(await mine.issue({ path: '/ns/bad/sa/any' }));
    const notByPrefix = await open(await mine.issue({ path: '/ns/badger/sa/any' }));
    const bySerial = await open(await mine.issue({ path }));
    const byKey = await open(await mine.issue({ path }));
    byKey.client.write(requestText('GET', '/stream'));
    await byKey.client.until((text) => text.includes('first words'));
    const issuer = `CN=${trustDomain} intermediate`;
    const lines = [
      '# who is out',
      `spiffe-id spiffe://${trustDomain}/ns/t/sa/stranger # left the company`,
      '',
      `  spiffe-prefix spiffe://${trustDomain}/ns/bad/`,
      `serial ${bySerial.credential.serial.toLowerCase()} ${issuer} # stolen laptop`,
      `key-sha256 ${keyOf(byKey.credential)}`,
      `serial ${good.credential.serial} CN=another issuer`,
    ];
    const gone = [byId, byPrefix, bySerial, byKey];
    const seen = await takes('denylist', () => replaceFile(proxy, 'denylist', lines.join('\n')), gone);
    t.notMatch(seen[3], /first words\r\n0\r\n/, 'the stream is cut, and looks cut');
    await proxy.untilRecord(() => ends('revoked').length === gone.length);
    const details = ends('revoked')
      .map(({ detail }) => String(detail))
      .toSorted();
    t.match(details, [
      /^on the denylist: line 2 \(spiffe-id .*stranger: left the company\)$/,
      /^on the denylist: line 4 \(spiffe-prefix .*\/bad\/\)$/,
      /^on the denylist: line 5 \(serial .*: stolen laptop\)$/,
      /^on the denylist: line 6 \(key-sha256 [0-9a-f]{64}\)$/,
    ]);
    t.match(
      ends('revoked').find(({ detail }) => String(detail).includes('stolen')),
      { outcome: 'deny', peer: { spiffe: `spiffe://${trustDomain}${path}`, serial: bySerial.credential.serial } },
    );
    t.equal(await ended('revoked'), gone.length);
    const cut = await proxy.untilRecord(({ type, reason }) => type === 'authz.deny' && reason === 'identity-revoked');
    t.match(cut, { status: 200, aborted: 'proxy', detail: /line 6/ });
    const change = await proxy.untilRecord(({ type }) => type === 'trust.change');
    t.match(change['detail'], /^newly on the denylist: spiffe-id spiffe:.*key-sha256/);
    for (const { credential } of gone) {
      const record = await expectRefusal(t, proxy, 'a new connection', 'denylisted', offering(proxy, credential));
      t.match(record, { detail: /^on the denylist: line \d/ });
    }
    t.equal((await good.ask('/still')).status, 200, 'its serial stands there with another issuer');
    t.match(await notByPrefix.ask('/still'), { status: 403, body: /"code":"forbidden"/ }, 'a prefix is whole segments');
    notByPrefix.client.close();

    const bad = [`spiffe-id spiffe://${trustDomain}/x`, 'spiffe-id  spiffe://UPPER/x', 'spifeid x', 'serial 12'];
    replaceFile(proxy, 'denylist', bad.join('\n'));
    const { detail } = await proxy.untilRecord(({ type }) => type === 'config.reject');
    for (const place of ['denylist:2:12: spiffe-id', 'denylist:3:1: `spifeid`', 'denylist:4:8: serial']) {
      t.ok(String(detail).includes(place), place);
    }
    await expectRefusal(t, proxy, 'the last good list stays', 'denylisted', offering(proxy, byKey.credential));
    t.equal((await good.ask('/still')).status, 200);
  });

  await t.test('the removal of a root, although the denylist is still broken', async (t) => {
    await takes('root', () => replaceFile(proxy, 'bundle.pem', mine.caPem), [foreign]);
    await proxy.untilRecord(() => ends('untrusted').length === 1);
    t.match(ends('untrusted'), [{ outcome: 'deny', peer: { serial: foreign.credential.serial }, detail: /no path/ }]);
    await proxy.untilRecord(
      ({ type, detail }) => type === 'trust.change' && String(detail).startsWith('roots removed: '),
    );
    t.equal(await ended('untrusted'), 1);
    await expectRefusal(t, proxy, 'a new connection', 'untrusted', offering(proxy, foreign.credential));
    t.equal((await good.ask('/still')).status, 200);
  });

  await t.test('age: an idle connection is closed, an answer under way finishes and is the last', async (t) => {
    replaceFile(proxy, 'denylist', '');
    await proxy.untilRecord(({ type, detail }) => type === 'trust.change' && String(detail).startsWith('no longer on'));
    const late = busy.ask('/late');
    await takes('age', () => changeConfig(proxy, { limits: { ...limits, max_connection_age: '1s' } }), [good]);
    await proxy.untilRecord(() => ends('max-age').length === 1);
    responses.get('/late')?.end('late');
    t.match(await late, { status: 200, body: 'late', headers: new Map([['connection', 'close']]) });
    await busy.client.untilClosed();
    await proxy.untilRecord(() => ends('max-age').length === 2);
    t.match(ends('max-age'), [{ outcome: 'allow', detail: /^open for \d+ ms$/ }]);
    t.equal(await ended('max-age'), 2);
  });
});
