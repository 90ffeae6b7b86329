import { once } from 'node:events';
import { connect } from 'node:net';
import { type ClientCredential, connectRaw, type RawClient } from './client.ts';

/** A connection that can be torn away without a word of TLS, as a crashed host or a firewall does. */
export async function connectResettable(
  port: number,
  credential: ClientCredential,
): Promise<RawClient & { readonly reset: () => void }> {
  const tcp = connect(port, '127.0.0.1');
  tcp.on('error', () => undefined);
  await once(tcp, 'connect');
  const client = await connectRaw(port, credential, { socket: tcp });
  return { ...client, reset: () => tcp.resetAndDestroy() };
}
