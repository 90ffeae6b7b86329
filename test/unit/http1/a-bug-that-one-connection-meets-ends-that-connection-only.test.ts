import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { test } from 'tap';
import type { LimitsConfig } from '../../../proxy/config/config.ts';
import { Http1Connection } from '../../../proxy/http1/connection.ts';
import type { ConnectionHost } from '../../../proxy/connection-host.ts';
import type { WireRequest } from '../../../proxy/transport.ts';

const limits = { maxHeadBytes: 1000, maxHeaders: 10, maxRequestsPerConnection: 10, headMs: 1000 } as LimitsConfig;
const bug = new Error('nobody expected this');
const request = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;

function answer({ answer: sink }: WireRequest): void {
  sink.head(200, [], { kind: 'length', bytes: 2 }, false);
  sink.end(Buffer.from('ok'));
}

/** Where the code behind a connection may fail, and what makes it. */
const places: readonly {
  readonly name: string;
  readonly send: string;
  readonly host: (fails: () => never) => Partial<ConnectionHost>;
}[] = [
  { name: 'serving a request', send: request('/'), host: (fails) => ({ serve: fails }) },
  {
    name: 'serving a request sent ahead, in a turn of its own',
    send: request('/') + request('/second'),
    host: (fails) => ({ serve: (wire) => (wire.number === 1 ? answer(wire) : fails()) }),
  },
  { name: 'reading the limits', send: request('/'), host: (fails) => ({ limits: fails }) },
  { name: 'asking whether it must close', send: request('/'), host: (fails) => ({ mustClose: fails }) },
  {
    name: 'taking a body',
    send: 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok',
    host: (fails) => ({ serve: ({ body }) => body?.consume({ chunk: fails, end: fails, failed: () => undefined }) }),
  },
];

for (const { name, send, host } of places) {
  void test(name, async (t) => {
    const told: unknown[] = [];
    const fails = (): never => {
      throw bug;
    };
    const whole: ConnectionHost = {
      limits: () => limits,
      now: () => 0,
      serve: answer,
      mustClose: () => false,
      ended: () => undefined,
      bug: (cause) => told.push(cause),
    };
    let accepted = 0;
    // Nothing here is about TLS: any socket will do.
    const server = createServer((socket: Socket) => {
      accepted += 1;
      new Http1Connection(socket as TLSSocket, accepted === 2 ? { ...whole, ...host(fails) } : whole);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const open = async () => {
      const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setEncoding('latin1');
      await once(socket, 'connect');
      return socket;
    };
    const neighbour = await open();
    const ask = async () => {
      neighbour.write(request('/neighbour'));
      return String((await once(neighbour, 'data'))[0]);
    };
    t.match(await ask(), /^HTTP\/1\.1 200 /);

    const unlucky = await open();
    const closed = once(unlucky.resume(), 'close');
    unlucky.on('error', () => undefined).write(send);
    await closed;
    t.equal(told.length > 0 && told.every((cause) => cause === bug), true, 'the bug is reported');
    t.match(await ask(), /^HTTP\/1\.1 200 /, 'its neighbour is served on');
    neighbour.destroy();
  });
}
