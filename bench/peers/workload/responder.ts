import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// The workload where nginx is not installed, and for large bodies: it answers when the whole body has arrived.
const [port = '0', answerBytes = '11'] = process.argv.slice(2);
const answer = Buffer.from('{"ok":true}'.padEnd(Number(answerBytes)));
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
});
server.keepAliveTimeout = 3_600_000;
server.maxRequestsPerSocket = 0;
server.listen(Number(port), '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
