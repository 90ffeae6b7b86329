import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as http2 } from 'node:http2';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'tap';
import { clientHello, withLongerServerName } from '../harness/client-hello.ts';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { startHttpsServer } from '../harness/https-server.ts';
import { newFolder, startProxy } from '../harness/proxy.ts';
import { expectRefusal, offering, sendingBytes } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';
import { makePki } from '../pki/pki.ts';

const issuerOptions = { realm: 'internal', algorithms: ['ES256'], audience: 'orders' };

void test('what a client says beside its certificate', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const foreign = await makePki({ trustDomain: 'test.example' });
  const extraCa = join(newFolder(t), 'extra-ca.pem');
  const issuer = await startHttpsServer(t);
  issuer.documents.set('/jwks', { body: '{"keys":[]}' });
  writeFileSync(extraCa, foreign.caPem + issuer.caPem);
  const proxy = await startProxy(t, {
    workloadPort: workload.port,
    env: { NODE_EXTRA_CA_CERTS: extraCa },
    config: {
      issuers: [{ name: 'staff', issuer: issuer.origin, jwks_uri: `${issuer.origin}/jwks`, ...issuerOptions }],
      fetch: { allow: ['127.0.0.1', '::1'] },
    },
  });
  const ask = async (options: Parameters<typeof connectRaw>[2]) => {
    const client = await connectRaw(proxy.port, proxy.client, options);
    client.write(requestText('GET', '/asked'));
    const answer = parseAnswer(await client.until((text) => parseAnswer(text) !== undefined));
    const { alpnProtocol } = client.socket;
    client.close();
    return { status: answer?.status, alpnProtocol };
  };

  await t.test('NODE_EXTRA_CA_CERTS vouches for nobody (SC-17)', async (t) => {
    const credential = await foreign.issue({ path: '/ns/t/sa/client' });
    await expectRefusal(t, proxy, 'its leaf', 'untrusted', offering(proxy, credential));
    t.same(workload.received(), []);
    const { detail } = await proxy.untilRecord(({ type }) => type === 'fetch.failed');
    t.match(detail, /certificate/i, 'nor for the server of an issuer');
    t.same(issuer.asked, []);
    t.match(proxy.log(), /"event":"runtime.roots","warning":"NODE_EXTRA_CA_CERTS adds no roots here/);
  });

  await t.test('server names: any case, none, one that contradicts the Host', async (t) => {
    t.match(await ask({}), { status: 200 }, 'none');
    t.match(await ask({ servername: 'localhost' }), { status: 200 });
    t.match(await ask({ servername: 'LOCALHOST' }), { status: 200 }, 'CVE-2026-48928: case does not count');
    const before = workload.hits();
    t.match(await ask({ servername: 'other.example' }), { status: 421 });
    t.match(await ask({ servername: 'a'.repeat(255) }), { status: 421 }, 'the longest there can be');
    t.equal(workload.hits(), before);
  });

  await t.test('a server name that is none ends the handshake', async (t) => {
    const name = 'localhost.example';
    const hello = await clientHello({ servername: name });
    const withNul = Buffer.from(hello);
    withNul[hello.indexOf(name) + 'localhost'.length] = 0;
    const ofBytes = (bytes: number) =>
      withLongerServerName(hello, name, Buffer.alloc(bytes - name.length, 0x61), 'name');
    const second = Buffer.concat([Buffer.from([0, 0, name.length]), Buffer.from(name)]);
    for (const [what, bytes] of [
      ['NUL', withNul],
      ['256 bytes', ofBytes(256)],
      ['300 bytes', ofBytes(300)],
      ['two names', withLongerServerName(hello, name, second, 'list')],
    ] as const) {
      await expectRefusal(t, proxy, what, 'protocol', sendingBytes(proxy, bytes));
    }
  });

  await t.test('ALPN: HTTP/1.1 or nothing', async (t) => {
    t.match(await ask({}), { status: 200, alpnProtocol: false }, 'none');
    t.match(await ask({ ALPNProtocols: ['http/1.1'] }), { status: 200, alpnProtocol: 'http/1.1' });
    t.match(await ask({ ALPNProtocols: ['h2', 'http/1.1'] }), { status: 200, alpnProtocol: 'http/1.1' });
    for (const only of ['h2', 'unknown', 'HTTP/1.1']) {
      await expectRefusal(t, proxy, only, 'protocol', offering(proxy, proxy.client, { ALPNProtocols: [only] }));
    }
  });

  await t.test(
    'HTTP/2 is refused by ALPN, and where nothing was negotiated by the version in its preface',
    async (t) => {
      const before = workload.hits();
      await expectRefusal(t, proxy, "Node's own client", 'protocol', async () => {
        const { certPem: cert, keyPem: key } = proxy.client;
        const session = http2(`https://127.0.0.1:${proxy.port}`, { cert, key, rejectUnauthorized: false });
        session.request({ ':path': '/asked' }).on('error', () => undefined);
        const [{ code }] = (await once(session, 'error')) as [NodeJS.ErrnoException];
        return code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' ? '' : String(code);
      });
      const client = await connectRaw(proxy.port, proxy.client);
      const settings = '\0\0\0\x04\0\0\0\0\0';
      client.write(`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${settings}`);
      t.match(parseAnswer(await client.untilClosed()), { status: 505 });
      const record = await proxy.untilRecord(({ reason }) => reason === 'unsupported-version');
      t.match(record, { type: 'input.reject', status: 505 });
      t.equal(workload.hits(), before);
    },
  );

  await t.test('nobody can renegotiate, and who tries is still who he was', async (t) => {
    const client = await connectRaw(proxy.port, proxy.client);
    await t.rejects(promisify(client.socket.renegotiate.bind(client.socket))({}), 'TLS 1.3 has no renegotiation');
    client.write(requestText('GET', '/after'));
    const answer = parseAnswer(await client.until((text) => parseAnswer(text) !== undefined));
    t.equal(answer?.status, 200);
    client.close();
  });
});
