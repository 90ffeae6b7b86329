import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { ProxyError } from '../errors.ts';

/**
 * Makes sure that nobody else listens on the address, and finds the port where 0 stands for any. Data threads share
 * their port with `SO_REUSEPORT`, under which a second proxy would quietly take half of the connections: a plain bind
 * is refused where any other process listens, shared or not.
 */
export async function claimPort(host: string, port: number): Promise<number> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    throw explain(cause as NodeJS.ErrnoException, `${host}:${port}`);
  } finally {
    server.close();
  }
}

function explain(cause: NodeJS.ErrnoException, where: string): ProxyError {
  if (cause.code === 'EADDRINUSE') {
    return new ProxyError('port-in-use', `listen: another process listens on ${where}`, { cause });
  }
  if (cause.code === 'EACCES') {
    return new ProxyError('port-privileged', `listen: this user may not listen on ${where}`, { cause });
  }
  return new ProxyError('address-unavailable', `listen: cannot listen on ${where} (${cause.code})`, { cause });
}
