import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ClientCredential } from '../../test/harness/client.ts';

/** A connection that keeps only the end of what it was sent, so that it is never the one who is slow. */
export type SoakClient = {
  readonly socket: TLSSocket;
  readonly write: (text: string) => void;
  /** Resolves to true once the end of what came has the words, to false when the connection ends without them. */
  readonly until: (words: string) => Promise<boolean>;
  readonly untilClosed: () => Promise<void>;
  /** Without a word of TLS, as a crashed host does it. */
  readonly reset: () => void;
};

const kept = 2048;

export async function connectSoakClient(port: number, { certPem, keyPem }: ClientCredential): Promise<SoakClient> {
  const tcp = connectTcp(port, '127.0.0.1');
  tcp.on('error', () => undefined);
  await once(tcp, 'connect');
  const socket = connectTls({ socket: tcp, rejectUnauthorized: false, cert: certPem, key: keyPem });
  let tail = '';
  let look: () => void = () => undefined;
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('latin1', Math.max(0, chunk.length - kept))).slice(-kept);
    look();
  });
  socket.on('close', () => look());
  await once(socket, 'secureConnect');
  const wait = (over: () => boolean) =>
    new Promise<void>((resolve) => {
      look = () => {
        if (over() || socket.closed) resolve();
      };
      look();
    });
  return {
    socket,
    write: (text) => void socket.write(text, 'latin1'),
    until: async (words) => {
      await wait(() => tail.includes(words));
      return tail.includes(words);
    },
    untilClosed: () => wait(() => false),
    reset: () => void tcp.resetAndDestroy(),
  };
}
