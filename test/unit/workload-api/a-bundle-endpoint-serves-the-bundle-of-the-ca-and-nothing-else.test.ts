import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request, type RequestOptions } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect, type TLSSocket } from 'node:tls';
import { test } from 'tap';
import { openLocalCa } from '../../../certs/local-ca/local-ca.ts';
import { parseSpiffeId, parseTrustDomain } from '../../../certs/spiffe-id.ts';
import type { ControlEvent } from '../../../proxy/audit/catalogue.ts';
import { systemClock } from '../../../proxy/clock.ts';
import { bundleSources } from '../../../proxy/fetch/federated-bundles.ts';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import { createLog } from '../../../proxy/telemetry/log.ts';
import { serveBundle } from '../../../proxy/workload-api/bundle-endpoint.ts';
import { eventually } from '../../harness/process.ts';
import { newFolder } from '../../harness/proxy.ts';
import { makePki } from '../../pki/pki.ts';

const trustDomain = parseTrustDomain('shop.example');
const spiffeId = parseSpiffeId('spiffe://shop.example/bundles');
type Test = Parameters<typeof newFolder>[0];
type Config = Parameters<typeof serveBundle>[0]['config'];

async function opened(t: Test, stateFolder: string, onEvent: (event: { readonly type: string }) => void = () => {}) {
  const ca = await openLocalCa({ stateFolder, trustDomain, keyAlgorithm: 'P-256', now: Date.now, onEvent });
  t.teardown(ca.close);
  return ca;
}

async function served(t: Test, server: Config['server'], stateFolder = join(newFolder(t), 'state')) {
  const issued = { count: 0 };
  const ca = await opened(t, stateFolder, ({ type }) => void (issued.count += type === 'ca.issue' ? 1 : 0));
  const records: ControlEvent[] = [];
  const config = { listen: { host: '127.0.0.1', port: 0 }, refreshHintMs: 120_000, server };
  const log = createLog({ write: () => undefined, now: Date.now, format: 'json' });
  const record = (event: ControlEvent) => void records.push(event);
  const endpoint = await serveBundle({ ca, config, svidLifetimeMs: 10_000, clock: systemClock, log, record });
  t.teardown(endpoint.close);
  const port = Number(endpoint.address.split(':').at(-1));
  return { ca, issued, records, port, url: `https://localhost:${port}/` };
}

/** What a client sees that has the roots at hand. */
async function ask(port: number, options: RequestOptions = {}) {
  const identity = { ca: [], rejectUnauthorized: false, agent: false as const };
  const sent = request({ host: '127.0.0.1', port, ...identity, ...options }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const serial = (response.socket as TLSSocket).getPeerX509Certificate()?.serialNumber;
  return { status: response.statusCode, headers: response.headers, body: await text(response), serial };
}

const fetched = async (url: string, server: Parameters<typeof bundleSources>[0][number]['server']) => {
  const network = await openNetwork({ allow: ['127.0.0.1'], caFile: undefined });
  const entry = { kind: 'url' as const, trustDomain, url, server, refreshMs: undefined, maxAgeMs: 60_000 };
  const [source] = await bundleSources([entry], network, Date.now);
  return source?.fetch(new AbortController().signal, undefined);
};

void test('with an SVID of the CA', async (t) => {
  const { ca, issued, records, port, url } = await served(t, { kind: 'spiffe', spiffeId });
  const { status, headers, body } = await ask(port);
  t.match([status, headers], [200, { 'content-type': 'application/json', connection: 'close' }]);
  const bootstrapFile = join(newFolder(t), 'bootstrap.json');
  writeFileSync(bootstrapFile, body);
  const { jwks } = await ca.jwtAuthority();
  const [key] = (JSON.parse(jwks) as { keys: object[] }).keys;
  t.match(await fetched(url, { kind: 'spiffe', spiffeId, bootstrapFile }), {
    rootsPem: ca.trustBundle()[0]?.rootsPem,
    jwtKeys: [key],
    refreshHintMs: 120_000,
    sequence: Number,
  });
  t.match(records, [{ type: 'bundle.publish', detail: /^127\.0\.0\.1:\d+, https_spiffe, sequence \d{10}$/ }]);

  for (const method of ['POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
    t.match(await ask(port, { method }), { status: 405, headers: { allow: 'GET' }, body: '' }, method);
  }
  for (const path of ['/bundle', '/..', '/%2e', '//'])
    t.match(await ask(port, { path }), { status: 404, body: '' }, path);
  t.equal((await ask(port, { path: '/?a' })).status, 200);

  const closed = async (bytes: string) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    socket.end(bytes);
    return text(socket);
  };
  t.equal(await closed('\r\n\r\nnonsense\r\n\r\n'), '', 'what is no HTTP is not answered');
  t.match(await closed(`GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`), /^$/);
  t.equal(
    (await closed('GET / HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2))).match(/HTTP\/1\.1 200/g)?.length,
    1,
    'one for a connection',
  );
  await t.rejects(ask(port, { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }), { code: /SSL|TLS|ECONN/ });

  const resumes = async (maxVersion: 'TLSv1.2' | 'TLSv1.3') => {
    const options = { port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion };
    let session: Buffer | undefined;
    const first = connect(options).on('session', (given: Buffer) => (session = given));
    first.end('GET / HTTP/1.1\r\nhost: a\r\n\r\n');
    await text(first);
    const again = connect({ ...options, ...(session === undefined ? {} : { session }) });
    await once(again, 'secureConnect');
    const isReused = again.isSessionReused();
    again.destroy();
    return isReused;
  };
  t.same([await resumes('TLSv1.2'), await resumes('TLSv1.3')], [false, false], 'no session is resumed');

  const { serial } = await ask(port);
  await eventually(async () => (await ask(port)).serial !== serial);
  t.ok(issued.count > 1, 'its SVID is renewed at half of its life');
});

void test('with a certificate of the web, which is watched', async (t) => {
  const pki = await makePki({ trustDomain: 'web.example' });
  const folder = newFolder(t);
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const put = async () => {
    const { certPem, keyPem, serial } = await pki.issue({ dnsNames: ['localhost'] });
    writeFileSync(key, keyPem, { mode: 0o600 });
    writeFileSync(certificate, certPem);
    return serial;
  };
  const first = await put();
  const { port, url, records } = await served(t, { kind: 'web', certificate, key });
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, pki.caPem);
  t.match(await fetched(url, { kind: 'web', caFile }), { rootsPem: { length: 1 } });
  t.equal((await ask(port)).serial, first);
  const second = await put();
  await eventually(async () => (await ask(port)).serial === second);
  rmSync(certificate);
  await eventually(() => records.some(({ type }) => type === 'bundle.renewal-failed'));
  t.equal((await ask(port)).serial, second, 'the last good one stays');
  chmodSync(key, 0o666);
  await put();
  await eventually(() => records.some(({ detail }) => detail?.includes(`${key} has mode 0666, must be 0600`)));
  t.equal((await ask(port)).serial, second, 'a key that others can read is no successor');
  chmodSync(key, 0o600);
  await eventually(async () => (await ask(port)).serial !== second);
  await t.rejects(served(t, { kind: 'web', certificate: caFile, key }), {
    code: 'bundle-endpoint-certificate',
    message: /ca\.pem and \S+key\.pem are no certificate with its key/,
  });
});

void test('the sequence rises when the bundle changes, stays when it does not, and is kept', async (t) => {
  const state = join(newFolder(t), 'state');
  const first = await (await opened(t, state)).publicBundle();
  t.ok((first.sequence ?? 0) > 1_700_000_000);
  t.same(await (await opened(t, state)).publicBundle(), first);
  rmSync(join(state, 'ca/jwt.key'));
  const second = await (await opened(t, state)).publicBundle();
  t.ok((second.sequence ?? 0) > (first.sequence ?? 0));
  t.not(second.jwtKeys[0]?.kid, first.jwtKeys[0]?.kid);
  const file = join(state, 'ca/bundle-sequence.json');
  t.ok(readdirSync(join(state, 'ca')).includes('bundle-sequence.json'));
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, -3));
  await t.rejects((await opened(t, state)).publicBundle(), { code: 'state-incomplete', message: /is damaged/ });
});
