import { test } from 'tap';
import { connectRaw, requestText } from '../harness/client.ts';
import { startProxy, type TestProxy } from '../harness/proxy.ts';
import { startRawWorkload } from '../harness/workload.ts';

/** CVE-2026-34441: where only the end of the connection ends a body, nobody can see that it was cut short. */
void test('close-delimited answers', async (t) => {
  const workload = await startRawWorkload((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nx-end: close\r\n\r\nhello'));
  });
  t.teardown(workload.close);
  const address = `127.0.0.1:${workload.port}`;
  const start = (unsafe: object) =>
    startProxy(t, { workloadPort: workload.port, config: { workload: { address, ...unsafe } } });
  const ask = async ({ port, client: credential }: TestProxy) => {
    const client = await connectRaw(port, credential);
    client.write(requestText('GET', '/a', ['Connection: close']));
    return client.untilClosed();
  };

  const strict = await start({});
  t.match(await ask(strict), /^HTTP\/1\.1 502 [^]*"code":"upstream-malformed"/);
  t.match(await strict.untilRecord(({ reason }) => reason === 'upstream-malformed'), { status: 502 });

  const lax = await start({ unsafe_close_delimited: true });
  t.match(
    await ask(lax),
    /^HTTP\/1\.1 200 [^]*transfer-encoding: chunked\r\n[^]*\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/,
    'framed explicitly for the client',
  );
  t.equal(
    await lax.metric('portcullis_unsafe_option{option="workload.unsafe_close_delimited"}'),
    1,
    'and everybody can see it',
  );
});
