import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { type Test, test } from 'tap';
import type { WireRequest } from '../../../proxy/transport.ts';
import { connectRaw } from '../../harness/client.ts';
import { startListening } from './listening.ts';

/** A listener with one client, which has sent half a head; `begun` are the exchanges so far. */
async function listening(t: Test) {
  const begun: WireRequest[] = [];
  const nothing = () => undefined;
  const serve = (_: unknown, request: WireRequest) => void begun.push(request);
  const { port, client, ...listener } = await startListening(t, { serve, atWork: nothing, closed: nothing });
  const accepted = once(listener.server, 'secureConnection');
  const tcp = connectTcp(port, '127.0.0.1');
  await once(tcp, 'connect');
  const { write } = await connectRaw(port, client, { socket: tcp });
  const [socket] = (await accepted) as [TLSSocket];
  write('GET / HTTP/1.1\r\n');
  await once(socket, 'data');
  return { ...listener, begun, tcp };
}

void test('a head that the limit of a drain breaks off is an exchange before the drain is over', async (t) => {
  const { drain, breakOff, begun } = await listening(t);
  const drained = drain();
  breakOff();
  await drained;
  t.match(begun, [{ head: { code: 'drain-timeout' } }]);
});

void test('so is a head whose client resets the connection meanwhile', async (t) => {
  const { drain, begun, tcp } = await listening(t);
  const drained = drain();
  tcp.resetAndDestroy();
  await drained;
  t.match(begun, [{ head: { code: 'client-aborted' } }]);
});
