import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { type Test, test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy, type TestProxy } from '../harness/proxy.ts';
import { proxyPki } from '../harness/proxy-pki.ts';
import { startWorkload, type Workload } from '../harness/workload.ts';
import type { Credential } from '../pki/pki.ts';

const path = '/ns/t/sa/client';

/** The pairs of one element of `x-forwarded-client-cert`, read as Envoy documents it: quotes around, backslash before. */
function readElement(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/(?:^|;)([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=]*))(?=;|$)/g)];
  const whole = pairs.map(([pair]) => pair).join('');
  if (whole !== text) throw new Error(`not one element: ${text}`);
  return Object.fromEntries(
    pairs.map(([, key = '', quoted, bare = '']) => [key, quoted?.replaceAll(/\\(.)/g, '$1') ?? bare]),
  );
}

/** What the workload received of the headers with this name. */
function headers(workload: Workload, name: string): string[] {
  const raw = Buffer.concat(workload.received()).toString('latin1');
  const lines = raw.split('\r\n').filter((line) => line.toLowerCase().startsWith(`${name}:`));
  return lines.map((line) => line.slice(name.length + 1).trim());
}

async function call(t: Test, proxy: TestProxy, workload: Workload, credential: Credential) {
  const { answer, client } = await exchange(proxy.port, credential, requestText('GET', '/who'));
  client.close();
  t.equal(answer?.status, 200);
  return {
    id: headers(workload, 'x-spiffe-id').at(-1),
    cert: headers(workload, 'x-forwarded-client-cert').at(-1) ?? '',
  };
}

void test('the headers of identity', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const pki = await proxyPki(proxy.folder);

  await t.test('an ordinary caller', async (t) => {
    const credential = await pki.issue({ path });
    const { id, cert } = await call(t, proxy, workload, credential);
    const hash = new X509Certificate(credential.certPem).fingerprint256.replaceAll(':', '').toLowerCase();
    t.equal(id, clientId);
    t.equal(cert, `By=spiffe://test.example/ns/t/sa/proxy;Hash=${hash};Subject="O=test";URI=${clientId}`);
    t.equal(headers(workload, 'x-spiffe-id').length, 1);
    t.equal(headers(workload, 'x-forwarded-client-cert').length, 1);
    const record = await proxy.untilRecord(({ type }) => type === 'authz.allow');
    t.match(record, { peer: { spiffe: clientId, serial: credential.serial.toUpperCase(), fp_sha256: hash } });
  });

  // XFCC injection: a CA may write into a subject what it likes, and must not become another identity by it.
  const subjects = {
    'closing quote and another URI': 'CN=x"\\;URI\\=spiffe://test.example/admin\\;Subject\\="',
    'comma, as if a second element came':
      'CN=x"\\,By\\=spiffe://test.example/admin\\;URI\\="spiffe://test.example/admin',
    'backslash before the closing quote': 'CN=x\\\\',
    'every special character': 'CN=a"b\\, c\\; d\\=e \\<f\\> \\\\ \\+ g,O=Größe ñ,OU=\\#h',
    'line breaks and control characters': 'CN=a\r\nx-spiffe-id: spiffe://test.example/admin\r\n\tb\u007f',
  };
  for (const [what, subject] of Object.entries(subjects)) {
    await t.test(`a subject with ${what}`, async (t) => {
      const credential = await pki.issue({ path, subject });
      const { id, cert } = await call(t, proxy, workload, credential);
      t.equal(id, clientId);
      // OpenSSL's command is the independent reader of the certificate.
      const words = ['x509', '-noout', '-subject', '-nameopt', 'RFC2253'];
      const text = execFileSync('openssl', words, { input: credential.certPem, encoding: 'utf8' });
      const element = readElement(cert);
      t.same(Object.keys(element), ['By', 'Hash', 'Subject', 'URI']);
      t.equal(element['URI'], clientId);
      t.equal(element['Subject'], text.trimEnd().replace('subject=', ''));
    });
  }
});
