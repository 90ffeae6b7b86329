import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';

export type Workload = {
  readonly port: number;
  /** Every byte that arrived, one buffer per connection, in the order in which the connections came. */
  readonly received: () => readonly Buffer[];
  /** Requests that arrived whole; always 0 for a workload made by `startRawWorkload`. */
  readonly hits: () => number;
  readonly close: () => Promise<void>;
};

type Handler = (request: IncomingMessage, body: Buffer, response: ServerResponse) => void;

const greet: Handler = ({ method, url }, body, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ method, url, bytes: body.length }));
};

/** A real HTTP server that also keeps every raw byte it was sent, so that a test can compare what was judged with it. */
export async function startWorkload(handler: Handler = greet): Promise<Workload> {
  let hits = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      hits += 1;
      handler(request, Buffer.concat(chunks), response);
    });
  });
  server.keepAliveTimeout = 60_000;
  const raw = recordBytes((listener) => server.on('connection', listener));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received: raw,
    hits: () => hits,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A workload without manners: the test writes each byte of it. Called for every connection. */
export async function startRawWorkload(connected: (socket: Socket) => void): Promise<Workload> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    connected(socket);
  });
  const raw = recordBytes((listener) => server.on('connection', listener));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received: raw,
    hits: () => 0,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A workload that says nothing, until it is told to. */
export async function startSilentWorkload(t: { readonly teardown: (task: () => unknown) => unknown }) {
  const state = { answers: false, asked: 0 };
  const workload = await startRawWorkload((socket) => {
    socket.on('data', () => {
      state.asked += 1;
      if (state.answers) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    });
  });
  t.teardown(workload.close);
  return { port: workload.port, state };
}

function recordBytes(onConnection: (listener: (socket: Socket) => void) => unknown): () => readonly Buffer[] {
  const connections: Buffer[][] = [];
  onConnection((socket) => {
    const chunks: Buffer[] = [];
    connections.push(chunks);
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  });
  return () => connections.map((chunks) => Buffer.concat(chunks));
}
