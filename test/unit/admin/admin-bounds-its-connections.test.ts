import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'tap';
import { get, open, raw, statusOf } from './raw-request.ts';

test('idle connections beyond 64 are turned away, and the server answers again when they go', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const { address } = opened.admin;
  if (address.kind !== 'tcp') throw new Error('expected TCP');
  const idle = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const socket = connect(address.port, address.host);
      await once(socket, 'connect');
      return socket;
    }),
  );
  t.equal(await get(opened, '/livez').catch(() => ''), '');
  await Promise.all(
    idle.map(async (socket) => {
      socket.end();
      socket.resume();
      await once(socket, 'close');
    }),
  );
  t.equal(statusOf(await get(opened, '/livez')), 200);
});

test('a head that does not end is cut off within seconds: slow headers', async (t) => {
  const opened = await open();
  t.teardown(() => opened.admin.close());
  const answer = await raw(opened.admin.address, `GET /livez HTTP/1.1\r\nHost: ${opened.host}\r\n`);
  t.equal(statusOf(answer), 408);
  t.match(opened.calls, [{ status: 408, reason: 'malformed' }]);
});
