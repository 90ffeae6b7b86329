import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from '../node-http.ts';

/**
 * The service behind the demo's proxy: a small orders API that knows nothing of certificates or policies. It believes
 * the identity header, which it may because only the proxy on the same machine can reach it and overwrites that header.
 */
export type OrdersWorkload = { readonly port: number; readonly close: () => Promise<void> };

type Order = { readonly id: string; readonly item: string; readonly quantity: number; readonly placedBy: string };
type Reply = { readonly status: number; readonly body?: unknown };

const identityHeader = 'x-spiffe-id';

export async function startOrdersWorkload(): Promise<OrdersWorkload> {
  const handle = ordersApi();
  const server = createServer((request, response) => {
    void readBody(request).then(
      (body) => reply(response, handle(request, body)),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function ordersApi(): (request: IncomingMessage, body: string) => Reply {
  const orders = new Map<string, Order>();
  let next = 1001;
  const place = (item: string, quantity: number, placedBy: string): Order => {
    const order = { id: String(next++), item, quantity, placedBy };
    orders.set(order.id, order);
    return order;
  };
  place('coffee, 1 kg', 2, 'the demo itself');

  return ({ method, url = '/', headers }, body) => {
    const caller = String(headers[identityHeader] ?? 'nobody');
    const id = /^\/orders\/([^/?]+)/.exec(url)?.[1];
    if (id === undefined && method === 'GET') return { status: 200, body: { caller, orders: [...orders.values()] } };
    if (id === undefined && method === 'POST') {
      const { item, quantity } = JSON.parse(body) as { item: string; quantity: number };
      return { status: 201, body: { caller, order: place(item, quantity, caller) } };
    }
    const order = id === undefined ? undefined : orders.get(id);
    if (order === undefined) return { status: 404, body: { caller, error: 'no such order' } };
    if (method === 'DELETE') {
      orders.delete(order.id);
      return { status: 204 };
    }
    return { status: 200, body: { caller, order } };
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function reply(response: ServerResponse, { status, body }: Reply): void {
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  const text = `${JSON.stringify(body)}\n`;
  response
    .writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
