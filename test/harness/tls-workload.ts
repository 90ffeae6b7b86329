import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { ClientCredential } from './client.ts';

/** What one TLS connection has shown to the workload. */
export type Shown = {
  readonly names: string | undefined;
  readonly serial: string | undefined;
  readonly serverName: string | false | null | undefined;
  readonly alpn: string | false | null;
  readonly version: string | null;
  readonly authorized: boolean;
};

export type TlsConnection = {
  readonly shown: Shown;
  readonly closed: Promise<unknown>;
};

export type TlsWorkload = {
  readonly port: number;
  /** Where it listens too, in `folder`. */
  readonly socketPath: string;
  /** TLS connections, in the order in which their handshakes ended. */
  readonly connections: readonly TlsConnection[];
  readonly present: (credential: ClientCredential, options?: TlsOptions) => void;
  /** What becomes of TCP connections from now on: TLS again with `undefined`. */
  readonly misbehave: (how: ((socket: Socket) => void) | undefined) => void;
};

type Test = { readonly teardown: (task: () => unknown) => unknown };
type Handler = (request: IncomingMessage, response: ServerResponse, shown: Shown) => void;

/** A workload that speaks TLS as the test wants it, on TCP and on a unix socket. It asks for a certificate and believes `caPem`. */
export async function startTlsWorkload(t: Test, folder: string, caPem: string, handler: Handler): Promise<TlsWorkload> {
  const connections: TlsConnection[] = [];
  const shownBy = new WeakMap<object, Shown>();
  const http = createHttpServer((request, response) => {
    const shown = shownBy.get(request.socket);
    if (shown !== undefined) handler(request, response, shown);
  });
  http.keepAliveTimeout = 60_000;
  let tls = createTlsServer();
  let how: ((socket: Socket) => void) | undefined;
  const sockets = new Set<Socket>();
  const accept = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => sockets.delete(socket));
    if (how === undefined) tls.emit('connection', socket);
    else how(socket);
  };
  const admit = (socket: TLSSocket) => {
    const shown = shownOf(socket);
    shownBy.set(socket, shown);
    socket.on('error', () => undefined);
    connections.push({ shown, closed: new Promise((resolve) => socket.once('close', resolve)) });
    http.emit('connection', socket);
  };
  const [tcp, unix] = [createServer(accept), createServer(accept)];
  tcp.listen(0, '127.0.0.1');
  const socketPath = join(folder, 'workload.sock');
  unix.listen(socketPath);
  await Promise.all([once(tcp, 'listening'), once(unix, 'listening')]);
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    tcp.close();
    unix.close();
  });
  return {
    port: (tcp.address() as AddressInfo).port,
    socketPath,
    connections,
    present: ({ certPem, keyPem }, options = {}) => {
      const common = { cert: certPem, key: keyPem, ca: caPem, requestCert: true, ALPNProtocols: ['http/1.1'] };
      tls = createTlsServer({ ...common, ...options }, admit);
      tls.on('tlsClientError', () => undefined);
    },
    misbehave: (next) => void (how = next),
  };
}

function shownOf(socket: TLSSocket): Shown {
  const certificate = socket.getPeerX509Certificate();
  return {
    names: certificate?.subjectAltName,
    serial: certificate?.serialNumber,
    serverName: (socket as { readonly servername?: string | false | null }).servername,
    alpn: socket.alpnProtocol,
    version: socket.getProtocol(),
    authorized: socket.authorized,
  };
}
