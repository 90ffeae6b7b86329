import { test } from 'tap';
import { exchange, requestText } from '../harness/client.ts';
import { clientHello, offeringSuite } from '../harness/client-hello.ts';
import { startProxy } from '../harness/proxy.ts';
import { type Attempt, expectRefusal, offering, refusals, sendingBytes } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

void test('no byte of another protocol, version or half a handshake gets further', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { limits: { handshake: '3s' } } });
  const hello = await clientHello();
  const half = hello.subarray(0, hello.length / 2);
  const oldest = { minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;

  const cases: [rule: string, reason: string, detail: RegExp, attempt: Attempt][] = [
    ['TLS 1.2', 'protocol', /UNSUPPORTED_PROTOCOL/, offering(proxy, proxy.client, { maxVersion: 'TLSv1.2' })],
    [
      'TLS 1.1',
      'protocol',
      /UNSUPPORTED_PROTOCOL/,
      offering(proxy, proxy.client, { ...oldest, maxVersion: 'TLSv1.1' }),
    ],
    ['TLS 1.0', 'protocol', /UNSUPPORTED_PROTOCOL/, offering(proxy, proxy.client, { ...oldest, maxVersion: 'TLSv1' })],
    [
      'a cipher suite that is not offered',
      'protocol',
      /NO_SHARED_CIPHER/,
      offering(proxy, proxy.client, { ciphers: 'TLS_AES_128_CCM_SHA256' }),
    ],
    [
      'a client that does not trust the proxy',
      'protocol',
      // Node breaks off; others send an alert.
      /ECONNRESET|UNKNOWN_CA/,
      offering(proxy, proxy.client, { rejectUnauthorized: true }),
    ],
    [
      'more certificates than TLS takes',
      'protocol',
      /EXCESSIVE_MESSAGE_SIZE/,
      offering(proxy, { ...proxy.client, certPem: proxy.client.certPem.repeat(300) }),
    ],
    ['HTTP in clear text', 'protocol', /HTTP_REQUEST/, sendingBytes(proxy, requestText('GET', '/clear'))],
    ['HTTP/2 in clear text', 'protocol', /./, sendingBytes(proxy, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
    ['garbage', 'protocol', /WRONG_VERSION_NUMBER|PACKET/, sendingBytes(proxy, Buffer.alloc(4096, 0xa5))],
    ['half a ClientHello and goodbye', 'protocol', /./, sendingBytes(proxy, half, true)],
    ['nothing and goodbye', 'protocol', /./, sendingBytes(proxy, '', true)],
    ['half a ClientHello', 'handshake-timeout', /TIMEOUT/, sendingBytes(proxy, half)],
    ['silence', 'handshake-timeout', /TIMEOUT/, sendingBytes(proxy, '')],
  ];
  const suites = {
    TLS_RSA_EXPORT_WITH_RC4_40_MD5: 0x0003,
    TLS_RSA_WITH_NULL_SHA256: 0x003b,
    TLS_SHA256_SHA256: 0xc0b4,
  };
  for (const [suite, number] of Object.entries(suites)) {
    cases.push([suite, 'protocol', /NO_SHARED_CIPHER/, sendingBytes(proxy, offeringSuite(hello, number))]);
  }
  for (const [rule, reason, detail, attempt] of cases) {
    t.match(await expectRefusal(t, proxy, rule, reason, attempt), { detail }, `${rule}: what it was`);
  }
  t.equal(refusals(proxy).length, cases.length, 'no attempt left a second record');
  t.same(workload.received(), [], 'the workload was not even connected to');

  const allowed = await exchange(proxy.port, proxy.client, requestText('GET', '/good'));
  t.equal(allowed.answer?.status, 200, 'the positive twin: TLS 1.3 with the same certificate');
  t.equal(allowed.client.socket.getProtocol(), 'TLSv1.3');
  allowed.client.close();
});
