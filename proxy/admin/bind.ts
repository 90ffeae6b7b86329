import { lstat, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import { isServed, listenOwnerOnly } from '../../certs/owner-only-socket.ts';
import type { Address } from '../config/config.ts';
import { ProxyError } from '../errors.ts';

/** Starts to listen, or says in the operator's words why it cannot. Answers the address it really has. */
export async function bind(server: Server, address: Address, option = 'admin'): Promise<Address> {
  try {
    await listen(server, address);
  } catch (cause) {
    if (address.kind === 'tcp' || codeOf(cause) !== 'EADDRINUSE') throw explained(address, option, cause);
    await removeStaleSocket(address.path);
    await listen(server, address).catch((again: unknown) => {
      throw explained(address, option, again);
    });
  }
  const bound = server.address();
  if (address.kind === 'unix' || bound === null || typeof bound === 'string') return address;
  return { ...address, port: bound.port };
}

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      // An accept that fails (ENOBUFS) is the loss of who came; unheard it would end the process.
      server.on('error', () => undefined);
      resolve();
    });
    if (address.kind === 'tcp') {
      server.listen({ host: address.host, port: address.port });
    } else {
      listenOwnerOnly(server, address.path);
    }
  });
}

/** The file outlives a process that was killed. Only a socket that nobody answers on is removed. */
async function removeStaleSocket(path: string): Promise<void> {
  if (!(await lstat(path)).isSocket()) {
    throw new ProxyError('address-unavailable', `admin: ${path} exists and is not a socket`);
  }
  if (await isServed(path)) throw new ProxyError('port-in-use', `admin: another process listens on ${path}`);
  await unlink(path);
}

function explained(address: Address, option: string, cause: unknown): ProxyError {
  const where = address.kind === 'tcp' ? `${address.host}:${address.port}` : address.path;
  const options = { cause };
  switch (codeOf(cause)) {
    case 'EADDRINUSE':
      return new ProxyError('port-in-use', `${option}: another process listens on ${where}`, options);
    case 'EACCES':
      return address.kind === 'tcp'
        ? new ProxyError('port-privileged', `${option}: this user may not listen on ${where}`, options)
        : new ProxyError('address-unavailable', `${option}: this user may not create ${where}`, options);
    case 'EINVAL':
      return new ProxyError(
        'address-unavailable',
        `${option}: ${where} is too long for a unix socket (104 bytes or less)`,
        options,
      );
    default:
      return new ProxyError('address-unavailable', `${option}: cannot listen on ${where} (${codeOf(cause)})`, options);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
}
