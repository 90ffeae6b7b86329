import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { test } from 'tap';
import { connectResettable } from '../../harness/resettable.ts';
import { startListening } from './listening.ts';

const lost = 20;

// Ten thousand that were lost in one turn of the event loop would otherwise look like a thread that is stuck: it would be
// replaced, and whoever else it served would lose his connection too.
void test('the end of each is told before the first of them has closed', async (t) => {
  const events: string[] = [];
  const { port, client, server, drain } = await startListening(t, {
    serve: () => undefined,
    atWork: () => events.push('at work'),
    closed: () => events.push('closed'),
  });
  const sockets: TLSSocket[] = [];
  server.on('secureConnection', (socket) => sockets.push(socket));
  const clients = [];
  for (let index = 0; index < lost; index += 1) clients.push(await connectResettable(port, client));
  while (sockets.length < lost) await once(server, 'secureConnection');
  const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  for (const { reset } of clients) reset();
  await closed;
  t.same(events, [...Array<string>(lost).fill('at work'), ...Array<string>(lost).fill('closed')]);
  await drain();
});
