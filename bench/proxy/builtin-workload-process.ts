import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

// Answers every request alike, once its body has come. Started by `startBuiltinWorkload`.
const answer = Buffer.from('{"ok":true}');

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
});
server.keepAliveTimeout = 3_600_000;
server.requestTimeout = 0;
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit());
process.on('SIGINT', () => undefined);
