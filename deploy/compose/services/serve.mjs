import { createServer } from 'node:http';

/** Plain HTTP on loopback, where the proxy is the only one to ask. */
export function serve(answer) {
  const server = createServer(async (request, response) => {
    request.resume();
    const body = JSON.stringify(await answer(request));
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  });
  server.listen(Number(process.argv[2]), '127.0.0.1');
  process.on('SIGTERM', () => server.close(() => process.exit(0)).closeIdleConnections());
}
