import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type SoakWorkload = {
  readonly port: number;
  /** How often each target arrived here. */
  readonly seen: ReadonlyMap<string, number>;
  readonly openConnections: () => Promise<number>;
  readonly close: () => void;
};

/** The last words of every whole answer. */
export function lastWords(target: string): string {
  return `end of ${target}.`;
}

/** Answers with as much as the target asks for, or tears its connection away where it asks for that. */
export async function startSoakWorkload(): Promise<SoakWorkload> {
  const seen = new Map<string, number>();
  const server = createServer((request, response) => {
    const target = request.url ?? '';
    seen.set(target, (seen.get(target) ?? 0) + 1);
    request.on('error', () => undefined);
    request.on('end', () => answer(target, response));
    request.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    openConnections: () => new Promise((resolve) => server.getConnections((_, count) => resolve(count))),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const filler = Buffer.alloc(256 * 1024, 'x');

function answer(target: string, response: ServerResponse): void {
  if (target.startsWith('/large')) response.write(filler);
  if (target.startsWith('/torn')) return void response.write('a part', () => response.socket?.resetAndDestroy());
  response.end(lastWords(target));
}
