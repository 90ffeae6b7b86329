// A client process of its own: opens as many connections as it is told, holds them, and asks over some of them.
// Started by `startIdleClients`; speaks JSON over its IPC channel.
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import type { ClientCredential } from './client.ts';

export type IdleOrder =
  | {
      readonly do: 'open';
      readonly port: number;
      readonly count: number;
      readonly atOnce: number;
      readonly credential: ClientCredential;
    }
  | { readonly do: 'ask'; readonly every: number };
export type IdleReport = { readonly open: number; readonly refused: number; readonly answered: number };

const sockets: TLSSocket[] = [];
const request = 'GET /idle HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function open({ port, count, atOnce, credential }: Extract<IdleOrder, { do: 'open' }>): Promise<IdleReport> {
  const secureContext = createSecureContext({ cert: credential.certPem, key: credential.keyPem });
  let left = count;
  let refused = 0;
  const one = () =>
    new Promise<void>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port, secureContext, rejectUnauthorized: false });
      socket.on('error', () => undefined);
      socket.once('secureConnect', () => {
        sockets.push(socket);
        resolve();
      });
      socket.once('close', () => {
        const at = sockets.indexOf(socket);
        if (at >= 0) sockets.splice(at, 1);
        refused += 1;
        resolve();
      });
    });
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      await one();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { open: sockets.length, refused, answered: 0 };
}

/** Over every n-th connection one request; counts the answers with status 200. */
async function ask(every: number): Promise<IdleReport> {
  const some = sockets.filter((_, index) => index % every === 0);
  const answers = await Promise.all(
    some.map(
      (socket) =>
        new Promise<boolean>((resolve) => {
          socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1').startsWith('HTTP/1.1 200 ')));
          socket.once('close', () => resolve(false));
          socket.write(request);
        }),
    ),
  );
  return { open: sockets.length, refused: 0, answered: answers.filter(Boolean).length };
}

process.on('message', (order: IdleOrder) => {
  const done = order.do === 'open' ? open(order) : ask(order.every);
  void done.then((report) => process.send?.(report));
});
