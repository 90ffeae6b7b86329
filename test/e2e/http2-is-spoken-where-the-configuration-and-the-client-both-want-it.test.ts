import { test } from 'tap';
import { connectRaw, parseAnswer, requestText } from '../harness/client.ts';
import { askHttp2, connectHttp2, requestFields, startHttp2Proxy } from '../harness/http2.ts';
import { prefaceText, settings } from '../harness/http2-frames.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { expectRefusal, offering } from '../harness/refused-handshake.ts';
import { startWorkload } from '../harness/workload.ts';

/** Says which protocol it was told of. */
const tellsTheProtocol = `package portcullis.authz

default decision := {"allow": false}

decision := {"allow": true, "headers": {"x-protocol": input.attributes.request.http.protocol}} if {
	input.attributes.source.principal == "${clientId}"
}
`;

void test('ALPN decides, and policy and audit know what it was', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const files = { 'policy/authz.rego': tellsTheProtocol };
  const setup = { workloadPort: workload.port, files };
  const received = () => workload.received().join('\n');
  const both = { ALPNProtocols: ['http/1.1', 'h2'] };

  await t.test('with `http2`', async (t) => {
    const proxy = await startHttp2Proxy(t, setup);
    const alpnOf = (target: string) =>
      proxy
        .audit()
        .filter(({ object }) => (object as { readonly target?: string } | undefined)?.target === target)
        .map(({ tls }) => (tls as { readonly alpn?: string }).alpn);

    const client = await connectHttp2(proxy.port, proxy.client, { tls: both });
    t.equal(
      (await askHttp2(client, requestFields('GET', '/two'))).status,
      200,
      'who offers both gets h2, in any order',
    );
    client.close();
    t.match(received(), /GET \/two HTTP\/1\.1\r\n(.+\r\n)*x-protocol: HTTP\/2\r\n/);
    t.same(alpnOf('/two'), ['h2']);

    for (const [target, options, alpn] of [
      ['/one', { ALPNProtocols: ['http/1.1'] }, 'http/1.1'],
      ['/none', {}, undefined],
    ] as const) {
      const plain = await connectRaw(proxy.port, proxy.client, {
        ...options,
        ALPNProtocols: [...(options.ALPNProtocols ?? [])],
      });
      plain.write(requestText('GET', target));
      t.equal(parseAnswer(await plain.until((text) => parseAnswer(text) !== undefined))?.status, 200);
      plain.close();
      t.match(received(), new RegExp(`GET ${target} HTTP/1\\.1\r\n(.+\r\n)*x-protocol: HTTP/1\\.1\r\n`));
      t.same(alpnOf(target), [alpn]);
    }

    const refused = offering(proxy, proxy.client, { ALPNProtocols: ['h3', 'h2c'] });
    await expectRefusal(t, proxy, 'only others', 'protocol', refused);

    const blind = await connectRaw(proxy.port, proxy.client);
    blind.write(Buffer.concat([prefaceText, settings()]));
    t.equal(parseAnswer(await blind.untilClosed())?.status, 505, 'not by prior knowledge (RFC 9113 section 3.3)');
    const upgrade = await connectRaw(proxy.port, proxy.client);
    upgrade.write(
      requestText('GET', '/up', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']),
    );
    t.equal(parseAnswer(await upgrade.untilClosed())?.status, 501, 'nor by Upgrade');
    t.equal(await proxy.stop(), 0);
  });

  await t.test('without it', async (t) => {
    const proxy = await startProxy(t, setup);
    const plain = await connectRaw(proxy.port, proxy.client, { ALPNProtocols: ['h2', 'http/1.1'] });
    t.equal(plain.socket.alpnProtocol, 'http/1.1');
    plain.write(requestText('GET', '/without'));
    t.equal(parseAnswer(await plain.until((text) => parseAnswer(text) !== undefined))?.status, 200);
    plain.close();
    t.match(received(), /GET \/without HTTP\/1\.1\r\n(.+\r\n)*x-protocol: HTTP\/1\.1\r\n/);
    await expectRefusal(t, proxy, 'h2', 'protocol', offering(proxy, proxy.client, { ALPNProtocols: ['h2'] }));
    t.equal(await proxy.stop(), 0);
  });
});
