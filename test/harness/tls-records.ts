import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export type TlsRecordCounter = {
  readonly port: number;
  /** Records of application data that went from the proxy to its client so far. */
  readonly records: () => number;
  readonly close: () => void;
};

const headerBytes = 5;
const applicationData = 0x17;

/** A wire to the proxy on which somebody counts TLS records (RFC 8446 section 5.1): their headers are in clear text. */
export async function startTlsRecordCounter(port: number): Promise<TlsRecordCounter> {
  let records = 0;
  const server = createServer((client) => {
    const proxy = connect(port, '127.0.0.1');
    let header = Buffer.alloc(0);
    let left = 0;
    proxy.on('data', (bytes: Buffer) => {
      let rest = bytes;
      while (rest.length > 0) {
        const skipped = Math.min(left, rest.length);
        left -= skipped;
        rest = rest.subarray(skipped);
        const taken = rest.subarray(0, left > 0 ? 0 : headerBytes - header.length);
        header = Buffer.concat([header, taken]);
        rest = rest.subarray(taken.length);
        if (header.length < headerBytes) continue;
        if (header[0] === applicationData) records += 1;
        left = header.readUInt16BE(3);
        header = Buffer.alloc(0);
      }
    });
    proxy.on('error', () => client.destroy());
    client.on('error', () => proxy.destroy());
    client.pipe(proxy).pipe(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, records: () => records, close: () => server.close() };
}
