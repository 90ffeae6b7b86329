import { connect } from 'node:net';
import type { Address } from '../../../proxy/config/config.ts';
import { type Admin, openAdmin } from '../../../proxy/admin/admin.ts';
import type { AdminCall, AdminState, Condition } from '../../../proxy/admin/state.ts';

export const loopback: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };

export type Opened = { readonly admin: Admin; readonly calls: AdminCall[]; readonly host: string };

/** An admin server over a proxy that is ready, unless told otherwise. */
export async function open(given: Partial<AdminState> = {}, address: Address = loopback): Promise<Opened> {
  const calls: AdminCall[] = [];
  const ready: Condition[] = [{ name: 'policy', ok: true }];
  const admin = await openAdmin({
    address,
    state: {
      ready: () => ready,
      metrics: async () => 'portcullis_threads 1\n',
      snapshot: () => ({ digest: 'sha256:abc' }),
      onCall: (call) => calls.push(call),
      ...given,
    },
  });
  const host = admin.address.kind === 'tcp' ? `127.0.0.1:${admin.address.port}` : 'localhost';
  return { admin, calls, host };
}

/** Sends bytes as they are and answers everything that came back until the end of the connection. */
export function raw(address: Address, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = address.kind === 'tcp' ? connect(address.port, address.host) : connect(address.path);
    let received = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      received += chunk;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
    socket.write(bytes);
  });
}

/** A plain GET on a connection of its own. */
export function get({ admin, host }: Opened, target: string, ...headers: readonly string[]): Promise<string> {
  const lines = [`GET ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers];
  return raw(admin.address, `${lines.join('\r\n')}\r\n\r\n`);
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
