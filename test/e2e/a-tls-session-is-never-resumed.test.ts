import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'tap';
import { type ClientCredential, connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { clientId, startProxy, type TestProxy } from '../harness/proxy.ts';
import { serialOf, untilExpired } from '../harness/lifetime.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

/** Makes a request and keeps what the server gave for a later session, if anything. */
async function visit(proxy: TestProxy, credential: ClientCredential, session?: Buffer) {
  const client = await connectRaw(proxy.port, credential, keeping({ session }));
  const sessions: Buffer[] = [];
  client.socket.on('session', (offered: Buffer) => sessions.push(offered));
  client.write(requestText('GET', '/visit'));
  const answer = parseAnswer(await client.until((text) => parseAnswer(text) !== undefined));
  const resumed = client.socket.isSessionReused();
  client.close();
  return { status: answer?.status, resumed, session: sessions.at(-1) };
}

const keeping = ({ session }: { session: Buffer | undefined }) => (session === undefined ? {} : { session });

// CVE-2025-23419 (nginx), CVE-2025-23048 (Apache), CVE-2025-68121 (Go): a resumed session skipped the verification of
// the client certificate, so that an expired or revoked one went on being accepted.
void test('whatever session a client keeps, the next connection proves its identity anew', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });

  const first = await visit(proxy, proxy.client);
  t.match(first, { status: 200, resumed: false });
  const second = await visit(proxy, proxy.client, first.session);
  t.match(second, { status: 200, resumed: false }, 'the session is not resumed, the handshake is a whole one');

  const revoked = await proxy.issue(clientId);
  const before = await visit(proxy, revoked);
  t.equal(before.status, 200);
  await proxy.ca.revoke(serialOf(revoked));
  await proxy.untilRecord(({ type }) => type === 'snapshot.swap');
  await expectRefusal(t, proxy, 'a session from before', 'revoked', offering(proxy, revoked, keeping(before)));

  const pki = await proxyPki(proxy.folder);
  const short = await pki.issue({ path: '/ns/t/sa/client', notAfterMs: Date.now() + 5000 });
  const alive = await visit(proxy, short);
  t.equal(alive.status, 200);
  await untilExpired(short);
  await expectRefusal(t, proxy, 'a session from before', 'expired', offering(proxy, short, keeping(alive)));
});

// SSL_OP_NO_TICKET makes OpenSSL send the name of a session instead of the session. Nobody keeps sessions here, so the
// name is worth nothing, also to a client that insists on it.
void test('OpenSSL cannot resume the session it was offered', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const file = (name: string) => join(proxy.folder, name);
  const credential = await proxy.issue(clientId);
  writeFileSync(file('client.pem'), credential.certPem);
  writeFileSync(file('client.key'), credential.keyPem);
  const visitWith = async (...more: string[]) => {
    const identity = ['-cert', file('client.pem'), '-cert_chain', file('client.pem'), '-key', file('client.key')];
    const words = ['s_client', '-connect', `127.0.0.1:${proxy.port}`, '-tls1_3', '-ign_eof', ...identity, ...more];
    const running = promisify(execFile)('openssl', words);
    running.child.stdin?.write(requestText('GET', '/openssl', ['Connection: close']));
    return (await running.catch((failed: { readonly stdout: string }) => failed)).stdout;
  };
  t.match(await visitWith('-sess_out', file('session.pem')), /^New, TLSv1\.3[^]*HTTP\/1\.1 200/m);
  t.ok(existsSync(file('session.pem')), 'it kept something');
  const again = await visitWith('-sess_in', file('session.pem'));
  t.match(again, /^New, TLSv1\.3[^]*HTTP\/1\.1 200/m, 'but its next handshake was a whole one');
  t.notMatch(again, /^Reused/m);
  t.equal(workload.hits(), 2);

  await proxy.ca.revoke(serialOf(credential));
  await proxy.untilRecord(({ type }) => type === 'snapshot.swap');
  const refused = () => visitWith('-sess_in', file('session.pem'));
  await expectRefusal(t, proxy, 'with the session', 'revoked', async () =>
    (await refused()).includes('HTTP/1.1') ? 'an answer' : '',
  );
  t.equal(workload.hits(), 2);
});
