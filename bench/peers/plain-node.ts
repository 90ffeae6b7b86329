import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Pool } from 'undici';

// What any Node team writes in an afternoon: mutual TLS by node:https, forwarding by undici, and nothing of what
// Portcullis is there for. The difference between the two is the price of the judging, the validating and the evidence.
const [workload = '', certFile = '', keyFile = '', caFile = ''] = process.argv.slice(2);
const pool = new Pool(`http://${workload}`, { connections: 256, pipelining: 1 });

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
server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
