import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Bench } from '../../../bench/run.ts';

export type OneAnswer = { readonly port: number; readonly set: (bytes: Buffer) => void };

/** A workload that gives the same bytes to every request, and then ends the connection. */
export async function startOneAnswer(t: Bench): Promise<OneAnswer> {
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(answer));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, set: (bytes) => void (answer = bytes) };
}
