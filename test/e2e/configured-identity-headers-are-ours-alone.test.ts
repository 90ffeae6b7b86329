import { test } from 'tap';
import { connectRaw, exchange, requestText } from '../harness/client.ts';
import { clientId, startProxy } from '../harness/proxy.ts';
import { startRecorder } from '../harness/recorder.ts';

const forged = 'spiffe://test.example/ns/t/sa/admin';

/** CVE-2026-54763, CVE-2026-33433, CVE-2026-88011, CVE-2024-45806: for other names than the default ones. */
void test('identity headers with configured names', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const address = `127.0.0.1:${workload.port}`;
  const names = { spiffe_id_header: 'X-Caller', client_cert_header: 'X-Caller-Cert' };
  const proxy = await startProxy(t, { workloadPort: workload.port, config: { workload: { address, ...names } } });

  const forgeries = 'X-Caller x-caller X-CALLER X.Caller x~caller X-Caller-Cert X.Caller-Cert x.caller.cert'.split(' ');
  // The default names stay closed: a workload may still read them.
  forgeries.push('X-Spiffe-Id', 'x.spiffe.id', 'X-Forwarded-Client-Cert');
  for (const name of forgeries) {
    const { answer, client } = await exchange(
      proxy.port,
      proxy.client,
      requestText('GET', '/a', [`${name}: ${forged}`, `Connection: ${name}`, `${name}: ${forged}`]),
    );
    client.close();
    t.equal(answer?.status, 200);
    const headers = workload.requests().at(-1)?.headers ?? [];
    t.notMatch(headers.join('\n'), /admin/, `${name} is gone`);
    const callers = headers.filter((header) => /^x.?caller/i.test(header));
    t.match(callers, [`x-caller: ${clientId}`, new RegExp(`^x-caller-cert: By=.*;URI=${clientId}$`)]);
    t.equal(callers.length, 2, 'one value each');
  }

  const before = workload.bytes();
  for (const name of ['x_caller', 'X_CALLER', 'X-Caller_Cert']) {
    const { answer, client } = await exchange(
      proxy.port,
      proxy.client,
      requestText('GET', '/a', [`${name}: ${forged}`]),
    );
    client.close();
    t.match(JSON.parse(answer?.body ?? ''), { status: 400, code: 'ambiguous-header' }, `${name} is refused`);
  }
  t.equal(workload.bytes(), before, 'and nothing of it reaches the workload');

  const trailers = await connectRaw(proxy.port, proxy.client);
  trailers.write(requestText('POST', '/a', ['Transfer-Encoding: chunked', 'Connection: close']));
  trailers.write(`1\r\na\r\n0\r\nX-Caller: ${forged}\r\n\r\n`);
  t.match(await trailers.untilClosed(), /^HTTP\/1\.1 200 /);
  t.match(workload.requests().at(-1), { body: 'a' });
  t.notMatch(workload.received().join(''), /admin/, 'a trailer neither');
});

/** RFC 9110 section 7.4. */
void test('a request for another host than the TLS server name is misdirected', async (t) => {
  const workload = await startRecorder();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });
  const cases = [
    { serverName: 'a.example', host: 'a.example', status: 200 },
    { serverName: 'a.example', host: 'A.Example:8443', status: 200 },
    { serverName: 'A.EXAMPLE', host: 'a.example', status: 200 },
    { serverName: 'a.example', host: 'b.example', status: 421 },
    { serverName: 'a.example', host: 'a.example.b', status: 421 },
    { serverName: 'a.example', host: '127.0.0.1', status: 421 },
    { serverName: 'b.a.example', host: 'a.example', status: 421 },
  ];
  for (const { serverName, host, status } of cases) {
    const before = workload.bytes();
    const client = await connectRaw(proxy.port, proxy.client, { servername: serverName });
    client.write(`GET /a HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n${requestText('GET', '/smuggled')}`);
    const text = await client.untilClosed();
    t.match(text, new RegExp(`^HTTP/1.1 ${status} `), `${serverName} and ${host}`);
    if (status === 421) t.equal(workload.bytes(), before, 'nothing reached the workload');
  }
  const refused = proxy.audit().filter(({ reason }) => reason === 'misdirected-request');
  t.equal(refused.length, 4);
  t.equal(
    await proxy.metric('portcullis_requests_total{route="other",outcome="invalid",code="misdirected-request"}'),
    4,
  );
});
