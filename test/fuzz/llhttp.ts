import { createServer, type ServerOptions } from 'node:http';
import { Duplex } from 'node:stream';

/** A request as Node's own parser read it. */
export type NodeReading = {
  readonly method: string;
  readonly target: string;
  /** Name, value, name, value, as received. */
  readonly headers: readonly string[];
  readonly body: string;
};

/** Everything Node made of some bytes: whole requests in order, and whether it then refused to go on. */
export type NodeReadings = { readonly requests: readonly NodeReading[]; readonly refused: boolean };

/** A connection without a network: Node's server takes any Duplex, and the test pushes into it. */
class Connection extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** A node:http server with the strict parser, given one connection after the other. */
export function startLlhttp(): (bytes: Buffer) => Promise<NodeReadings> {
  let requests: NodeReading[] = [];
  let refused = false;
  // `strict` holds even when NODE_OPTIONS asks for the insecure parser; our own limits are tried elsewhere.
  const options: ServerOptions = { httpValidation: 'strict', maxHeaderSize: 1 << 20 };
  const server = createServer(options, (request, response) => {
    const { method = '', url = '', rawHeaders } = request;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ method, target: url, headers: rawHeaders, body: Buffer.concat(chunks).toString('latin1') });
      response.end();
    });
    request.on('error', () => undefined);
  });
  server.on('checkContinue', (request, response) => server.emit('request', request, response));
  server.on('clientError', (_error, socket) => {
    refused = true;
    socket.destroy();
  });
  return (bytes) =>
    new Promise((resolve) => {
      requests = [];
      refused = false;
      const connection = new Connection();
      connection.on('close', () => resolve({ requests, refused }));
      server.emit('connection', connection);
      connection.push(bytes);
      connection.push(null);
    });
}
