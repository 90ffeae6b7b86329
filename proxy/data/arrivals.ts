import type { DropArgument, Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { HandshakeEvent } from '../audit/catalogue.ts';
import type { Clock } from '../clock.ts';
import type { ConnectionFacts } from '../exchange.ts';
import type { OwnSvid } from './own-svids.ts';

/** What is known of a connection before TLS has said anything, and still when TLS has failed. */
export type Arrival = {
  readonly remote: ConnectionFacts['remote'];
  readonly acceptedNs: bigint;
  /** Under which the handshake is done: Node settles that as it accepts, whatever replaces it meanwhile. */
  readonly own: OwnSvid;
  /** Of a connection that we opened, where to. */
  readonly dst?: HandshakeEvent['dst'];
};

export type Arrivals = {
  readonly of: (socket: TLSSocket) => Arrival;
  /** Of a connection that was closed at once. */
  readonly dropped: (connection: DropArgument) => Arrival;
  /** The handshake is over, well or badly. */
  readonly settled: (socket: TLSSocket) => void;
  /** Breaks off the handshakes that are under way, and answers whose they were. */
  readonly turnBack: () => readonly Arrival[];
};

/**
 * Notes each connection as it is accepted. A peer that hangs up in the middle of its handshake has no address any more
 * when Node reports the failure, and a record without a source finds nobody (AU-3).
 */
export function watchArrivals(
  server: Server,
  { monotonicNs }: Pick<Clock, 'monotonicNs'>,
  ownSvid: () => OwnSvid,
): Arrivals {
  const arrivals = new WeakMap<Socket, Arrival>();
  const handshaking = new Map<Socket, Arrival>();
  const arrivedFrom = (address = '', port = 0): Arrival => ({
    remote: { ip: plainAddress(address), port },
    acceptedNs: monotonicNs(),
    own: ownSvid(),
  });
  server.on('connection', (tcp: Socket) => {
    const arrival = arrivedFrom(tcp.remoteAddress, tcp.remotePort);
    arrivals.set(tcp, arrival);
    handshaking.set(tcp, arrival);
    tcp.once('close', () => handshaking.delete(tcp));
  });
  return {
    of: (socket) => arrivals.get(transportOf(socket)) ?? arrivedFrom(),
    dropped: ({ remoteAddress, remotePort }) => arrivedFrom(remoteAddress, remotePort),
    settled: (socket) => void handshaking.delete(transportOf(socket)),
    turnBack: () => {
      const broken = [...handshaking.values()];
      for (const tcp of handshaking.keys()) tcp.destroy();
      return broken;
    },
  };
}

/** The TCP socket under a TLS socket. Node has no public name for it; tests hold that this one stays. */
export function transportOf(socket: TLSSocket): Socket {
  return (socket as TLSSocket & { readonly _parent?: Socket })._parent ?? socket;
}

/** `::ffff:192.0.2.1` and `192.0.2.1` are one address. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:(?=\d+\.)/, '');
}
