import { request } from 'node:https';
import type { PeerCertificate } from 'node:tls';

/** PEM text of one client; without `certificate` and `key` it shows none. */
export type Credentials = { readonly certificate?: string | undefined; readonly key?: string | undefined };

export type Target = {
  readonly port: number;
  /** PEM of the root that vouches for the proxy. */
  readonly root: string;
  /** Who must answer. A host name says nothing in a mesh; the SPIFFE ID does. */
  readonly spiffeId: string;
};

export type Call = { readonly method: string; readonly path: string; readonly body?: string };

/** `status` is undefined when the connection was refused before there could be an answer. */
export type Answer = { readonly status: number | undefined; readonly body: string };

const timeoutMs = 10_000;

/** One request on a connection of its own, so that each row of the demo shows its own handshake. */
export function send(target: Target, credentials: Credentials, { method, path, body }: Call): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1',
      servername: '',
      port: target.port,
      method,
      path,
      agent: false,
      timeout: timeoutMs,
      minVersion: 'TLSv1.3',
      ca: target.root,
      cert: credentials.certificate,
      key: credentials.key,
      checkServerIdentity: (_host, certificate) => wrongServer(certificate, target.spiffeId),
      headers:
        body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) },
    });
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks).toString('utf8') }));
      response.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (brokenOff(error)) resolve({ status: undefined, body: '' });
      else reject(error);
    });
    outgoing.end(body);
  });
}

/** In TLS 1.3 the client has finished its handshake before the server has judged it: it sees an alert, or just the end. */
function brokenOff({ code = '' }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'EPROTO' || code.startsWith('ERR_SSL_');
}

function wrongServer(certificate: PeerCertificate, spiffeId: string): Error | undefined {
  const names = (certificate.subjectaltname ?? '').split(', ');
  return names.includes(`URI:${spiffeId}`)
    ? undefined
    : new Error(`the server is not ${spiffeId}, but ${names.join()}`);
}
