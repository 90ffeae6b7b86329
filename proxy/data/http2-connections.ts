import type { TLSSocket } from 'node:tls';
import type { Http2Config } from '../config/config.ts';
import type { Http2Connection, Http2Host } from '../http2/connection.ts';

/** Takes a connection for which ALPN has settled on HTTP/2. */
export type OpenHttp2 = (socket: TLSSocket, host: Omit<Http2Host, 'maxStreams'>) => Http2Connection;

/** Loaded where it is served: nobody else has a use for it. */
export async function http2Connections({ maxStreams }: Http2Config): Promise<OpenHttp2> {
  const { Http2Connection } = await import('../http2/connection.ts');
  return (socket, host) => new Http2Connection(socket, { ...host, maxStreams });
}
