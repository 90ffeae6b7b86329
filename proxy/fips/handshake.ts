import { duplexPair } from 'node:stream';
import { connect, type ConnectionOptions, createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';

/** What two sides have agreed on. */
export type Agreement = {
  readonly group: string | undefined;
  readonly cipher: string;
  /** Of those that the client offers what the server takes, as OpenSSL names them. */
  readonly signatures: readonly string[];
};

/** A handshake in memory, whoever the two are; undefined when they come to no agreement. */
export async function handshake(
  server: SecureContextOptions,
  client: ConnectionOptions,
): Promise<Agreement | undefined> {
  const [here, there] = duplexPair();
  const sockets: TLSSocket[] = [];
  try {
    const accepting = new TLSSocket(here, { isServer: true, secureContext: createSecureContext(server) });
    sockets.push(accepting);
    const asking = connect({ ...client, socket: there, rejectUnauthorized: false });
    sockets.push(asking);
    await Promise.all([reached(accepting, 'secure'), reached(asking, 'secureConnect')]);
    const key = asking.getEphemeralKeyInfo();
    return {
      group: key !== null && 'name' in key ? key.name : undefined,
      cipher: asking.getCipher().name,
      signatures: accepting.getSharedSigalgs(),
    };
  } catch {
    // An algorithm that this OpenSSL lacks is refused as well as one that the other side does not take.
    return undefined;
  } finally {
    for (const socket of sockets) socket.on('error', () => {}).destroy();
  }
}

/** Both ends are waited for: of TLS 1.3 the client is done before the server has said that it agrees. */
function reached(socket: TLSSocket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket
      .once(event, resolve)
      .once('error', reject)
      .once('close', () => reject(new Error('closed')));
  });
}
