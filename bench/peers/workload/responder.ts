import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The workload where nginx is not installed, and for large bodies: it answers when the whole body has arrived.
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 11 });
    response.end('{"ok":true}');
  });
});
server.keepAliveTimeout = 3_600_000;
server.maxRequestsPerSocket = 0;
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
