import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import type { LimitsConfig } from '../../../proxy/config/config.ts';
import { type Denial, deny } from '../../../proxy/denial.ts';
import { Http1Connection } from '../../../proxy/http1/connection.ts';
import { lastCallLooks } from '../../../proxy/connection-host.ts';
import type { WireRequest } from '../../../proxy/transport.ts';

const limits = {
  maxHeadBytes: 1000,
  maxHeaders: 10,
  maxRequestsPerConnection: 10,
  headMs: 60_000,
  keepAliveMs: 60_000,
} as LimitsConfig;
const request = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

/** One connection on a real socket, with a clock, a listener and a workload that do as the test says. */
async function open(t: Test) {
  let now = 0;
  let mustClose = false;
  let ended: Denial | undefined;
  const waiting: WireRequest[] = [];
  const server = createServer({ allowHalfOpen: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const accepted = once(server, 'connection');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1');
  client.allowHalfOpen = true;
  const [socket] = (await accepted) as [TLSSocket];
  const connection = new Http1Connection(socket, {
    limits: () => limits,
    now: () => now,
    serve: (wire) => {
      if (wire.line?.target === '/wait') waiting.push(wire);
      else answer(wire);
    },
    mustClose: () => mustClose,
    ended: () => ended,
    bug: (cause) => t.fail(String(cause)),
  });
  let text = '';
  client.on('data', (more: string) => {
    text += more;
  });
  t.teardown(() => {
    client.destroy();
    socket.destroy();
  });
  return {
    client,
    socket,
    waiting,
    text: () => text,
    until: async (enough: RegExp) => {
      while (!enough.test(text)) await once(client, 'data');
    },
    untilEnd: () => (client.readableEnded ? undefined : once(client, 'end')),
    /** Time goes by; then the listener looks at the connection. */
    after: (ms: number) => {
      now += ms;
      connection.sweep();
    },
    /** The listener looks again and again, the first time when the end was decided. */
    untilLastLook: () => {
      for (let look = 2; look <= lastCallLooks; look += 1) connection.sweep();
    },
    decideTheEnd: () => {
      mustClose = true;
      connection.sweep();
    },
    endIdentity: () => {
      ended = deny('identity-expired');
      mustClose = true;
      connection.sweep();
    },
  };
}

function answer({ answer: sink }: WireRequest, body = 'ok'): void {
  sink.head(200, [], { kind: 'length', bytes: 2 }, false);
  sink.end(Buffer.from(body));
}

const keptOpen = /connection: keep-alive\r\n\r\nok$/;
const last = /connection: close\r\n\r\nok$/;

void test('a request that is on its way when the end is decided is answered, and told that it was the last', async (t) => {
  const { client, after, decideTheEnd, untilLastLook, until, untilEnd, text } = await open(t);
  client.write(request('/first'));
  await until(keptOpen);
  after(1000);
  decideTheEnd();
  untilLastLook();
  client.write(request('/crossing'));
  await until(last);
  await untilEnd();
  t.equal(text().match(/200 OK/g)?.length, 2);
});

void test('so is the first request of a connection', async (t) => {
  const { client, decideTheEnd, untilLastLook, untilEnd, text } = await open(t);
  decideTheEnd();
  untilLastLook();
  client.write(request('/first'));
  await untilEnd();
  t.match(text(), last);
});

void test('a process that stood still looks again before it closes', async (t) => {
  const { client, after, decideTheEnd, untilEnd, text } = await open(t);
  decideTheEnd();
  after(limits.headMs);
  client.write(request('/crossing'));
  await untilEnd();
  t.match(text(), last);
});

void test('who asks nothing within that time is told the end, and what he then still sends meets no reset', async (t) => {
  const { client, socket, after, decideTheEnd, untilLastLook, untilEnd, text } = await open(t);
  decideTheEnd();
  untilLastLook();
  after(1);
  await untilEnd();
  const closed = once(client, 'close');
  const read = once(socket, 'data');
  client.write(request('/too-late'));
  await read;
  client.end();
  t.same(await closed, [false], 'closed without an error');
  t.equal(text(), '');
});

void test('so is who kept a connection for too long', async (t) => {
  const { client, socket, after, until, untilEnd, text } = await open(t);
  client.write(request('/first'));
  await until(keptOpen);
  const before = text();
  after(limits.keepAliveMs + 1);
  await untilEnd();
  const closed = once(client, 'close');
  const read = once(socket, 'data');
  client.write(request('/too-late'));
  await read;
  client.end();
  t.same(await closed, [false], 'closed without an error');
  t.equal(text(), before);
});

void test('a request behind an answer that had promised another one is answered too', async (t) => {
  const { client, waiting, decideTheEnd, until, untilEnd, text } = await open(t);
  client.write(request('/wait') + request('/ahead'));
  while (waiting.length === 0) await new Promise(setImmediate);
  const [streaming] = waiting;
  streaming?.answer.head(200, [], { kind: 'chunked' }, false);
  streaming?.answer.write(Buffer.from('begin'));
  await until(/keep-alive\r\n\r\n5\r\nbegin\r\n$/);
  decideTheEnd();
  streaming?.answer.end(undefined);
  await untilEnd();
  t.match(text(), /0\r\n\r\nHTTP\/1\.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok$/);
});

void test('and one that comes after it has its time from then on', async (t) => {
  const { client, waiting, after, decideTheEnd, untilLastLook, until, untilEnd, text } = await open(t);
  client.write(request('/wait'));
  while (waiting.length === 0) await new Promise(setImmediate);
  const [streaming] = waiting;
  streaming?.answer.head(200, [], { kind: 'chunked' }, false);
  decideTheEnd();
  untilLastLook();
  after(10_000);
  streaming?.answer.end(undefined);
  await until(/keep-alive\r\n\r\n0\r\n\r\n$/);
  after(1);
  untilLastLook();
  client.write(request('/crossing'));
  await untilEnd();
  t.match(text(), last);
});

void test('an identity that has ended has no last request', async (t) => {
  const { client, endIdentity, until, untilEnd, text } = await open(t);
  client.write(request('/first'));
  await until(keptOpen);
  const before = text();
  endIdentity();
  await untilEnd();
  t.equal(text(), before);
});
