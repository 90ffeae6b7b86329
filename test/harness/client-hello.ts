import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

/** The first flight of a real client, as it would go over the wire. */
export async function clientHello(options: ConnectionOptions = {}): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, ...options });
  client.on('error', () => undefined);
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  server.close();
  return hello;
}

/**
 * The same with more bytes in its server name, which no client library sends: the name itself, or the end of the list it stands in.
 * @param name that the ClientHello has
 */
export function withLongerServerName(hello: Buffer, name: string, more: Buffer, part: 'name' | 'list'): Buffer {
  const at = hello.indexOf(name);
  const end = at + name.length;
  const longer = Buffer.concat([hello.subarray(0, end), more, hello.subarray(end)]);
  const suites = suitesOf(hello);
  const compression = suites + 2 + hello.readUInt16BE(suites);
  const extensions = compression + 1 + hello.readUInt8(compression);
  // Of the record, the handshake message, all extensions, this extension and its list; that of the message is of three bytes.
  const lengths = [3, 7, extensions, at - 7, at - 5, ...(part === 'name' ? [at - 2] : [])];
  for (const place of lengths) longer.writeUInt16BE(hello.readUInt16BE(place) + more.length, place);
  return longer;
}

/** The same that offers this suite and no other, as often as it has offered any: those that libraries have no more of. */
export function offeringSuite(hello: Buffer, suite: number): Buffer {
  const changed = Buffer.from(hello);
  const suites = suitesOf(hello);
  const end = suites + 2 + hello.readUInt16BE(suites);
  for (let at = suites + 2; at < end; at += 2) changed.writeUInt16BE(suite, at);
  return changed;
}

/** Where the list of cipher suites begins: behind the version, 32 random bytes and a session. */
function suitesOf(hello: Buffer): number {
  const session = 43;
  return session + 1 + hello.readUInt8(session);
}
