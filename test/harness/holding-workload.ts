import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const megabyte = randomBytes(1 << 20);
export const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

export type HoldingWorkload = {
  readonly port: number;
  /** Targets, in the order in which their heads came. */
  readonly begun: readonly string[];
  /** Those that the test has to answer. */
  readonly waiting: ReadonlyMap<string, ServerResponse>;
  /** Targets whose answer nobody waits for any more. */
  readonly lost: readonly string[];
};

/**
 * Answers `whole` with the hash of what it was sent, `/large` with a megabyte and `/status/N` with that status. What is named
 * `/wait...` is answered when the test says so; of `/stream` the answer has begun by then, and `/unread` is not even read.
 */
export async function startHoldingWorkload(t: {
  readonly teardown: (task: () => unknown) => unknown;
}): Promise<HoldingWorkload> {
  const begun: string[] = [];
  const waiting = new Map<string, ServerResponse>();
  const lost: string[] = [];
  const server = createServer((request, response) => {
    const { url = '' } = request;
    begun.push(url);
    request.on('error', () => undefined);
    response.on('close', () => response.writableFinished || lost.push(url));
    if (url === '/unread') return void waiting.set(url, response);
    const hash = createHash('sha256');
    request.on('data', (chunk: Buffer) => hash.update(chunk));
    request.on('end', () => {
      if (url === '/stream') response.write('begin ');
      if (/^\/(wait|stream)/.test(url)) return void waiting.set(url, response);
      if (url === '/large') return void response.setHeader('content-length', megabyte.length).end(megabyte);
      const status = Number(/^\/status\/(\d+)$/.exec(url)?.[1] ?? 200);
      response.writeHead(status, { 'x-hash': hash.digest('hex') });
      response.end(status === 200 ? 'whole' : undefined);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, begun, waiting, lost };
}
