import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { Pool } from 'undici';

// What any Node team writes in an afternoon: mutual TLS by node:https, forwarding by undici, and nothing of what
// Portcullis is there for. The difference between the two is the price of the judging, the validating and the evidence.
const [port = '0', workload = '', certFile = '', keyFile = '', caFile = ''] = process.argv.slice(2);
const pool = new Pool(`http://${workload}`, { connections: 256, pipelining: 1 });

const peers = new WeakMap<TLSSocket, string>();

/** Read once for each connection. */
function peerOf(socket: TLSSocket): string {
  const known = peers.get(socket);
  if (known !== undefined) return known;
  const peer = socket.getPeerCertificate().subjectaltname?.replace(/^URI:/, '') ?? '';
  peers.set(socket, peer);
  return peer;
}

const server = createServer(
  {
    cert: readFileSync(certFile),
    key: readFileSync(keyFile),
    ca: readFileSync(caFile),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  },
  (request, response) => {
    const { method = 'GET', url: path = '/', headers } = request;
    const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
    const { connection: _, host: __, ...forwarded } = headers;
    forwarded['x-spiffe-id'] = peerOf(request.socket as TLSSocket);
    pool
      .request({ method: method as 'GET', path, headers: forwarded, body: hasBody ? request : null })
      .then(({ statusCode, headers: answered, body }) => {
        const { connection: _, 'keep-alive': __, ...relayed } = answered;
        response.writeHead(statusCode, relayed as Record<string, string>);
        body.pipe(response);
      })
      .catch(() => {
        response.writeHead(502);
        response.end();
      });
  },
);
server.keepAliveTimeout = 600_000;
server.headersTimeout = 300_000;
server.listen(Number(port), '127.0.0.1', 4096);
