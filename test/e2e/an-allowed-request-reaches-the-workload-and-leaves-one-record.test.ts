import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { test } from 'tap';
import { type ClientCredential, connectRaw, exchange, parseAnswer, requestText } from '../harness/client.ts';
import { serialOf } from '../harness/lifetime.ts';
import { clientId, startProxy, strangerId, type TestProxy } from '../harness/proxy.ts';
import { startWorkload } from '../harness/workload.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `traceparent: 00-${traceId}-00f067aa0ba902b7-01`;

/** Item by item what AU-3 asks of a record, of the first request of this client. */
const complete = (proxy: TestProxy, workloadPort: number, answered: number) => ({
  what: { type: 'authz.allow', id: /^[\w-]{16,64}$/, seq: Number, stream: 'data-0' },
  when: { ts: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, mono_ns: /^\d+$/, dur_us: Number },
  where: {
    node: hostname(),
    workload: 'spiffe://test.example/ns/t/sa/proxy',
    listener: String,
    route: 'any',
    dst: { ip: '127.0.0.1', port: workloadPort },
  },
  source: {
    src: { ip: '127.0.0.1', port: Number },
    peer: { serial: serialOf(proxy.client), fp_sha256: /^[0-9a-f]{64}$/, issuer: /CN=/, not_after: /Z$/ },
    tls: { version: 'TLSv1.3', cipher: /^TLS_/, group: 'X25519MLKEM768', resumed: false },
  },
  outcome: {
    outcome: 'allow',
    status: 200,
    rule: 'client',
    policy: { revision: String },
    snapshot: /^sha256:[0-9a-f]{64}$/,
    bytes_in: 0,
    bytes_out: answered,
  },
  identities: {
    peer: { spiffe: clientId },
    object: { method: 'GET', target: '/orders?x=%C3%A9', path_template: '/{rest...}', authority: 'localhost' },
    trace_id: traceId,
  },
});

void test('allowed and denied differ by one attribute: the identity', async (t) => {
  const workload = await startWorkload();
  t.teardown(workload.close);
  const proxy = await startProxy(t, { workloadPort: workload.port });

  const allowed = await exchange(proxy.port, proxy.client, requestText('GET', '/orders?x=%C3%A9', [traceparent]));
  t.equal(allowed.answer?.status, 200);
  t.equal(workload.hits(), 1);
  const record = await proxy.untilRecord(({ type }) => type === 'authz.allow');
  for (const [item, fields] of Object.entries(complete(proxy, workload.port, allowed.answer?.body.length ?? 0))) {
    t.match(record, fields, item);
  }
  const sent = workload.received()[0]?.toString('latin1') ?? '';
  t.match(sent, /^GET \/orders\?x=%C3%A9 HTTP\/1\.1\r\n/);
  t.match(sent, `\r\n${traceparent}\r\n`, 'the next hop has the same trace on record (AU-6)');

  const stranger = await proxy.issue(strangerId);
  const denied = await exchange(
    proxy.port,
    stranger,
    requestText('GET', '/orders', [traceparent.replace(traceId, '0')]),
  );
  t.equal(denied.answer?.status, 403);
  t.match(JSON.parse(denied.answer?.body ?? ''), { code: 'forbidden', status: 403 });
  t.equal(workload.hits(), 1, 'the workload saw nothing of the denied request');
  const deny = await proxy.untilRecord(({ type, reason }) => type === 'authz.deny' && reason === 'forbidden');
  t.equal(deny['trace_id'], undefined, 'what is no trace id is none on record either');
  t.equal(proxy.audit().filter(({ stream }) => stream === 'data-0').length, 3, 'audit.start and one record each');
  t.equal(await proxy.metric('portcullis_requests_total{route="any",outcome="denied",code="forbidden"}'), 1);
  allowed.client.close();
  denied.client.close();

  await t.test('who comes and asks nothing is on record too', async (t) => {
    (await connectRaw(proxy.port, stranger)).socket.end();
    t.match(await proxy.untilRecord(({ type }) => type === 'tls.accept'), {
      outcome: 'allow',
      reason: undefined,
      src: { ip: '127.0.0.1', port: Number },
      peer: { spiffe: strangerId, serial: serialOf(stranger) },
      tls: { version: 'TLSv1.3', resumed: false },
      snapshot: /^sha256:/,
    });
    t.equal(
      proxy.audit().filter(({ type }) => type === 'tls.accept').length,
      1,
      'and who asked is so by what was asked',
    );
  });

  await t.test('and a byte that somebody changes on the way ends all of it', async (t) => {
    const relay = await startRelay(proxy.port);
    t.teardown(relay.close);
    const first = await relay.client(proxy.client);
    first.client.write(requestText('GET', '/twin'));
    t.equal(parseAnswer(await first.client.until((text) => parseAnswer(text) !== undefined))?.status, 200);
    t.equal(workload.hits(), 2, 'the positive twin: the relay alone changes nothing');
    first.change();
    first.client.write(requestText('GET', '/changed'));
    t.notMatch(await first.client.untilClosed(), /HTTP.*HTTP/s);

    const second = await relay.client(proxy.client);
    second.client.write('POST /changed-body HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nwhole');
    while (!workload.received().join('').includes('/changed-body')) await new Promise((done) => setImmediate(done));
    second.change();
    second.client.write('-body');
    t.equal(await second.client.untilClosed(), '');
    await proxy.untilRecord(({ reason, bytes_in: bytes }) => reason === 'client-aborted' && bytes === 5);
    t.equal(workload.hits(), 2, 'no request came whole');
    t.notMatch(workload.received().join(''), /\/changed |-body$/);
  });
  t.equal(await proxy.stop(), 0);
});

/** Stands between client and proxy, and changes a byte of what the client sends when it is told to. */
async function startRelay(port: number) {
  const opened = new Set<Socket>();
  let changes = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      opened.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
    }
    far.pipe(near);
    near.on('data', (bytes: Buffer) => {
      if (changes) bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
      far.write(bytes);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    client: async (credential: ClientCredential) => {
      changes = false;
      const client = await connectRaw((server.address() as AddressInfo).port, credential);
      return { client, change: () => void (changes = true) };
    },
    close: () => {
      for (const socket of opened) socket.destroy();
      server.close();
    },
  };
}
