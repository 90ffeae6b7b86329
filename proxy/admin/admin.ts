import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Address } from '../config/config.ts';
import { type Answer, answerTo, refused } from './answer.ts';
import { createServer } from '../node-http.ts';
import { bind } from './bind.ts';
import { hostsOf, refusalOf } from './refusal.ts';
import type { AdminState } from './state.ts';

export type AdminOptions = { readonly address: Address; readonly state: AdminState };

export type Admin = {
  /** With the port it really has. */
  readonly address: Address;
  /** Stops listening and ends every connection. */
  readonly close: () => Promise<void>;
};

/** The operator's view of the proxy, read-only, on loopback or a unix socket of mode 0600. Throws ProxyError. */
export async function openAdmin({ address, state }: AdminOptions): Promise<Admin> {
  const server = createLimitedServer();
  let hosts: ReadonlySet<string> = new Set();
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    // An audit that throws leaves the call unanswered: what cannot be recorded is not served.
    respond(request, response, hosts, state).catch(() => request.socket.destroy());
  };
  server.on('request', serve);
  // Without these two, Node would invite the body (100) or answer 417 by itself, past the checks and the audit.
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('clientError', (error, socket) => refuseMalformed(error, socket as Socket, state));
  server.on('connect', (request, socket) => refuseConnect(request, socket as Socket, state));
  const bound = await bind(server, address);
  hosts = hostsOf(bound, bound.kind === 'tcp' ? bound.port : 0);
  return { address: bound, close: () => close(server) };
}

function createLimitedServer(): Server {
  const server = createServer({
    // Explicit, so that NODE_OPTIONS=--insecure-http-parser cannot loosen it.
    httpValidation: 'strict',
    maxHeaderSize: 8192,
    headersTimeout: 2000,
    requestTimeout: 5000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
    requireHostHeader: false,
    rejectNonStandardBodyWrites: true,
  });
  server.maxHeadersCount = 50;
  server.maxRequestsPerSocket = 100;
  server.maxConnections = 64;
  // Also ends a connection whose client does not read its answer.
  server.timeout = 10_000;
  return server;
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  hosts: ReadonlySet<string>,
  state: AdminState,
): Promise<void> {
  const { method = '', url: target = '' } = request;
  const refusal = refusalOf(request, hosts);
  const { answer, reason } = refusal
    ? { answer: refused(refusal.status, refusal.reason), reason: refusal.reason }
    : await answered(target, state);
  const remote = request.socket.remoteAddress ?? 'unix';
  state.onCall({ method, target, status: answer.status, remote, ...(reason === undefined ? {} : { reason }) });
  write(response, answer, refusal !== undefined);
}

async function answered(target: string, state: AdminState): Promise<{ answer: Answer; reason?: string }> {
  try {
    return { answer: await answerTo(target, state) };
  } catch (cause) {
    // The caller learns that it failed, the audit why.
    return { answer: refused(500, 'internal-error'), reason: String(cause) };
  }
}

function write(response: ServerResponse, { status, type, body }: Answer, close: boolean): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
    'Cross-Origin-Resource-Policy': 'same-origin',
    ...(status === 405 ? { Allow: 'GET' } : {}),
    // A body that was refused is still on its way: nothing behind it may be read as a request.
    ...(close ? { Connection: 'close' } : {}),
  });
  // To HEAD a body is not allowed, and Node throws when it is given one.
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket, state: AdminState): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  state.onCall({ method: '', target: '', status, remote: socket.remoteAddress ?? 'unix', reason: 'malformed' });
  endWith(socket, status);
}

function refuseConnect({ url: target = '' }: IncomingMessage, socket: Socket, state: AdminState): void {
  const remote = socket.remoteAddress ?? 'unix';
  state.onCall({ method: 'CONNECT', target, status: 405, remote, reason: 'method' });
  endWith(socket, 405);
}

/** For what never became a request that `ServerResponse` could answer. */
function endWith(socket: Socket, status: number): void {
  const head = `HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`;
  socket.end(head, () => socket.destroy());
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
