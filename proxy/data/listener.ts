import { once } from 'node:events';
import { createServer, type Server, type TlsOptions, type TLSSocket } from 'node:tls';
import { handshakeRefusal, isHandshakeRefusal } from '../../certs/handshake-refusal.ts';
import { type Denial, deny } from '../denial.ts';
import type { ConnectionFacts } from '../exchange.ts';
import { connectionRecord } from '../exchange-record.ts';
import { Http1Connection } from '../http1/connection.ts';
import { type ConnectionHost, lastCallLooks, sweepMs } from '../connection-host.ts';
import type { WireRequest } from '../transport.ts';
import { ownIdentityDenial } from '../filters/identity.ts';
import { connectionsOfThread, descriptorLimit } from '../limit/descriptors.ts';
import type { SharedLimits } from '../limit/shared-limits.ts';
import { type Arrival, type Arrivals, transportOf, watchArrivals } from './arrivals.ts';
import { emptyRecords } from './empty-records.ts';
import { endingsOf } from './endings.ts';
import { failedHandshake, readHandshake } from './handshake.ts';
import type { OpenHttp2 } from './http2-connections.ts';
import type { OwnSvid } from './own-svids.ts';
import { recordConnection, type Refusal, type RefusalParts, refuse, tooMany } from './refusal.ts';
import { turnClock } from './turn-clock.ts';

export type ListenerParts = RefusalParts & {
  readonly limits: SharedLimits;
  /** Where HTTP/2 is served. */
  readonly openHttp2: OpenHttp2 | undefined;
  /** As it stands for who connects now. */
  readonly ownSvid: () => OwnSvid;
  readonly serve: (connection: ConnectionFacts, request: WireRequest) => void;
  /** Told of an exception that nobody expected; what it concerned has ended. */
  readonly bug: (cause: unknown) => void;
  /** Told of work that says nothing else of itself, and of which there can be thousands in one turn of the event loop. */
  readonly atWork: () => void;
};

export type Listener = {
  readonly server: Server;
  /** Stops accepting, lets what is in flight finish, and answers when every connection has ended. */
  readonly drain: () => Promise<void>;
  /** Ends every connection at once: the time to drain is over. */
  readonly breakOff: () => void;
  /** Looks at every connection now: something has changed that may end some. */
  readonly sweep: () => void;
};

/** Longer than a request is on its way to us, wherever its client is. */
const longestLastCallMs = 500;

/** Nobody who only keeps a connection may use up the time to drain. */
const lastCallMs = ({ snapshot }: ListenerParts) => Math.min(longestLastCallMs, snapshot().config.drainMs / 4);

export function createListener(options: TlsOptions, given: ListenerParts): Listener {
  const parts = { ...given, clock: { ...given.clock, ...turnClock(given.clock) } };
  const connections = new Map<TLSSocket, Admitted>();
  let draining = false;
  const server = createServer(options);
  const arrivals = watchArrivals(server, parts.clock, parts.ownSvid);
  server.maxConnections = connectionsOfThread(parts.snapshot().config, descriptorLimit());
  recordFailures(server, parts, arrivals, () => draining);
  server.on('secureConnection', (socket) => {
    arrivals.settled(socket);
    socket.setNoDelay(true);
    // A client may close its half after its request and still wait for the answer. Not earlier: a port scan would
    // occupy a socket until the handshake times out.
    socket.allowHalfOpen = true;
    const connection = draining ? void socket.destroy() : contained(parts, socket, arrivals.of(socket), () => draining);
    if (connection === undefined) return;
    connections.set(socket, connection);
    socket.once('close', () => connections.delete(socket));
  });
  const sweep = () => {
    for (const connection of connections.values()) connection.sweep();
  };
  const sweeper = setInterval(sweep, sweepMs);
  return {
    server,
    sweep,
    drain: async () => {
      draining = true;
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      // Nobody who has not come in yet will be served: waiting for them would let anyone hold up a restart.
      const stopping = handshakeRefusal('protocol', 'the proxy stopped before the handshake was over');
      for (const arrival of arrivals.turnBack()) refuse(parts, arrival, stopping);
      clearInterval(sweeper);
      sweep();
      const oftener = setInterval(sweep, lastCallMs(parts) / lastCallLooks);
      await closed;
      await Promise.all([...connections.keys()].map(hasClosed));
      clearInterval(oftener);
    },
    breakOff: () => {
      for (const connection of connections.values()) connection.breakOff(deny('drain-timeout'));
    },
  };
}

/**
 * The server has closed before its last connections say so, and one that was lost inside a head is put on record only then.
 * Not `events.once`, which rejects where a reset comes first.
 */
function hasClosed(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** What ends before there is a peer to judge. */
function recordFailures(server: Server, parts: ListenerParts, arrivals: Arrivals, draining: () => boolean): void {
  // The reason of a refusal inside TLS is gone after this event, so it is recorded in it.
  server.on('tlsClientError', (error, socket) => {
    arrivals.settled(socket);
    socket.destroy();
    // What fails now was turned back and is on record; when Node says so, the stream may be closed already.
    if (!draining()) refuse(parts, arrivals.of(socket), failedHandshake(error));
  });
  // Accepting failed, for want of descriptors: the next one may succeed.
  server.on('error', parts.bug);
  // Above `maxConnections` Node closes what it accepts without a word.
  server.on('drop', (dropped = {}) => refuse(parts, arrivals.dropped(dropped), tooMany('total-limit')));
}

/** What the listener asks of a connection from then on, whichever protocol it speaks. */
type Admitted = { readonly sweep: () => void; readonly breakOff: (cause: Denial) => void };

/** A bug that one handshake meets must not end the thread. */
function contained(...[parts, socket, ...rest]: Parameters<typeof admit>): Admitted | undefined {
  try {
    return admit(parts, socket, ...rest);
  } catch (cause) {
    parts.bug(cause);
    return void socket.destroy();
  }
}

/** Lets a peer in, or says why not; before this has decided, no byte of the connection is read. */
function admit(
  parts: ListenerParts,
  socket: TLSSocket,
  arrival: Arrival,
  draining: () => boolean,
): Admitted | undefined {
  const { clock, limits, measurements } = parts;
  const snapshot = parts.snapshot();
  const id = parts.newId();
  const turnAway = (refusal: Refusal) => {
    refuse(parts, arrival, refusal, id);
    return void socket.destroy();
  };
  const { remote } = arrival;
  const ownEnded = () => (clock.nowMs() > parts.ownSvid().notAfterMs ? ownIdentityDenial() : undefined);
  if (ownEnded() !== undefined) return turnAway(handshakeRefusal('own-identity-expired', 'our own SVID has expired'));
  const facts = readHandshake(socket, { id, remote, nowMs: clock.nowMs(), trust: snapshot.trust });
  if (isHandshakeRefusal(facts)) return turnAway(facts);
  const { maxConnections, maxConnectionsPerIdentity } = snapshot.config.limits;
  const lease = limits.connections.acquire(facts.peer.spiffeId, {
    perIdentity: maxConnectionsPerIdentity,
    total: maxConnections,
  });
  if (typeof lease === 'string') return turnAway(tooMany(lease, facts.peer));
  measurements.handshakeAccepted();
  measurements.connectionOpened();
  // Of all connections that are lost at once, the end is read before the first of them closes.
  socket.once('end', parts.atWork);
  socket.once('error', parts.atWork);
  let asked = false;
  socket.once('close', () => {
    lease.release();
    measurements.connectionClosed();
    if (asked) return;
    const { peer, tls } = connectionRecord(facts);
    recordConnection(parts, arrival, { id, peer, tls });
  });
  const { ended, aged, flooded, violated } = endingsOf(parts, arrival, facts);
  const host: ConnectionHost = {
    limits: () => parts.snapshot().config.limits,
    now: clock.monotonicMs,
    serve: (request) => {
      asked = true;
      parts.serve(facts, request);
    },
    mustClose: () => draining() || ended() !== undefined || aged(),
    bug: parts.bug,
    ended: () => ownEnded() ?? ended(),
  };
  const connection =
    facts.tls.alpn === 'h2' && parts.openHttp2 !== undefined
      ? parts.openHttp2(socket, { ...host, violated })
      : new Http1Connection(socket, host);
  return watched(socket, connection, flooded);
}

/** What no limit of the messages sees is looked for first. */
function watched(socket: TLSSocket, connection: Admitted, flooded: (bytes: number) => void): Admitted {
  const empty = emptyRecords(socket, transportOf(socket));
  return {
    breakOff: (cause) => connection.breakOff(cause),
    sweep: () => {
      const bytes = empty();
      if (bytes === undefined) return connection.sweep();
      flooded(bytes);
      socket.destroy();
    },
  };
}
