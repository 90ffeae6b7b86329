import { writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'tap';
import { judgeAddresses } from '../../../proxy/fetch/addresses.ts';
import { download } from '../../../proxy/fetch/download.ts';
import { openNetwork } from '../../../proxy/fetch/network.ts';
import { makePki } from '../../pki/pki.ts';

const pki = await makePki({ trustDomain: 'shop.example', nowMs: Date.now() });

test('an address that is not public is asked only where it is allowed', (t) => {
  const judge = judgeAddresses([]);
  const open = ['93.184.216.34', '8.8.8.8', '2606:2800:220:1:248:1893:25c8:1946', '::ffff:8.8.8.8'];
  const closed = (
    '127.0.0.1 127.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 0.0.0.0 ' +
    '100.64.0.1 192.0.0.1 192.0.2.1 198.18.0.1 203.0.113.7 224.0.0.1 255.255.255.255 ::1 :: fe80::1 ' +
    'fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1 2001:db8::1 3fff::1 ::ffff:127.0.0.1 ::ffff:7f00:1 ' +
    '::FFFF:10.0.0.1 0:0:0:0:0:ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: ' +
    '2001::1 5f00::1 localhost 1.2.3 0x7f.1'
  ).split(' ');
  for (const address of open) t.ok(judge(address), address);
  for (const address of [...closed, '']) t.notOk(judge(address), address);
  const allowing = judgeAddresses(['10.1.0.0/16', '127.0.0.1', 'fd00::/8']);
  for (const address of ['10.1.2.3', '127.0.0.1', '::ffff:10.1.2.3', 'fd12::1']) t.ok(allowing(address), address);
  for (const address of ['10.2.0.1', '127.0.0.2', 'fc00::1']) t.notOk(allowing(address), address);
  t.end();
});

async function listening(t: { readonly teardown: (task: () => unknown) => unknown }, server: Server) {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return server.address() as AddressInfo;
}

test('a download', async (t) => {
  const answers: Record<string, RequestListener> = {
    '/whole': (_, response) => response.end('whole'),
    '/redirect': (_, response) => response.writeHead(302, { location: '/whole' }).end(),
    '/absent': (_, response) => response.writeHead(404).end('<html>'),
    '/empty': (_, response) => response.writeHead(204).end(),
    '/long': (_, response) => response.end(Buffer.alloc(2000)),
    '/long-in-chunks': (_, response) => {
      response.write(Buffer.alloc(900));
      response.write(Buffer.alloc(900));
      response.end();
    },
    '/packed': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('whole')),
    '/cut': (_, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('half', () => response.destroy());
    },
  };
  const asked: string[] = [];
  const { certPem: cert, keyPem: key } = await pki.issue({ dnsNames: ['localhost'] });
  const server = createServer({ cert, key }, (request, response) => {
    asked.push(request.url ?? '');
    (answers[request.url ?? ''] ?? (() => {}))(request, response);
  });
  const { port } = await listening(t, server);
  const other = await pki.issue({ dnsNames: ['other.example'] });
  const named = await listening(t, createServer({ cert: other.certPem, key: other.keyPem }, answers['/whole']));
  const caFile = join(t.testdir({}), 'ca.pem');
  writeFileSync(caFile, pki.caPem);
  const network = await openNetwork({ allow: ['127.0.0.0/8'], caFile });
  const get = (url: string, from = network, signal = new AbortController().signal) =>
    download({ url: url.startsWith('/') ? `https://localhost:${port}${url}` : url, maxBytes: 1000, signal }, from);

  t.equal(Buffer.from(await get('/whole')).toString(), 'whole');
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['/redirect', 'fetch-refused', /status 302, a redirect, which is not followed/],
    ['/absent', 'fetch-refused', /status 404/],
    ['/empty', 'fetch-refused', /status 204/],
    ['/long', 'fetch-refused', /more than 1000 bytes/],
    ['/long-in-chunks', 'fetch-refused', /more than 1000 bytes/],
    ['/packed', 'fetch-refused', /encoded/],
    ['/cut', 'fetch-failed', /./],
    [`https://127.0.0.1:${port}/whole`, 'fetch-refused', /https is for names/],
    [`https://localhost:${named.port}/whole`, 'fetch-failed', /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['https://localhost:1/', 'fetch-failed', /ECONNREFUSED/],
    ['https://no-such-name.invalid/', 'fetch-failed', /./],
  ];
  for (const [url, code, message] of wrong) await t.rejects(get(url), { code, message }, url);
  const before = asked.length;
  const closed = await openNetwork({ allow: ['10.0.0.0/8'], caFile });
  const refused = { code: 'fetch-refused', message: /127\.0\.0\.1.* is not public, and not in `fetch\.allow`/ };
  await t.rejects(get('/whole', closed), refused, 'a name');
  await t.rejects(get(`https://127.0.0.1:${port}/whole`, closed), refused, 'an address');
  await t.rejects(get(`https://2130706433:${port}/whole`, closed), refused, 'an address as a number');
  await t.rejects(get(`https://[::ffff:127.0.0.1]:${port}/whole`, closed), { code: 'fetch-refused' });
  const stranger = await openNetwork({ allow: ['127.0.0.0/8'], caFile: undefined });
  await t.rejects(get('/whole', stranger), { code: 'fetch-failed' }, 'a server that nobody vouches for');
  t.equal(asked.length, before, 'none of these reached it');
  const ending = new AbortController();
  const waiting = get('/silent', network, ending.signal);
  ending.abort();
  await t.rejects(waiting, { code: 'fetch-failed' }, 'it can be ended');
});
