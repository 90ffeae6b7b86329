import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { makePki } from '../pki/pki.ts';

export type Answer = {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
  /** Not answered before. */
  readonly after?: Promise<unknown>;
};

type Test = { readonly teardown: (task: () => unknown) => unknown };

/** A real server for `https://localhost:PORT`, and the root that its certificate leads to. */
export async function startHttps(t: Test, listenerOf: (origin: string) => RequestListener) {
  const pki = await makePki({ trustDomain: 'shop.example', nowMs: Date.now() });
  const { certPem: cert, keyPem: key } = await pki.issue({ dnsNames: ['localhost'] });
  const server = createServer({ cert, key }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  server.on('request', listenerOf(origin));
  return { origin, caPem: pki.caPem };
}

/** One whose documents a test puts there and takes away; without one it is 404. */
export async function startHttpsServer(t: Test) {
  const documents = new Map<string, Answer>();
  const asked: string[] = [];
  const server = await startHttps(t, () => async ({ url = '' }, response) => {
    asked.push(url);
    const { status = 200, headers = {}, body = '', after } = documents.get(url) ?? { status: 404 };
    await after;
    response.writeHead(status, headers).end(body);
  });
  return { ...server, documents, asked };
}
