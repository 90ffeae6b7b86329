import { request } from 'node:http';
import { Duplex } from 'node:stream';

/** A response as Node's own parser read it, or why it did not. */
export type NodeResponse =
  | { readonly status: number; readonly headers: readonly string[]; readonly body: string }
  | { readonly refused: string };

/** A connection without a network: Node's client takes any Duplex, and the test pushes into it. */
class Connection extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

/** Node's client with the strict parser, given one answer and the end of the connection. */
export function startLlhttpClient(): (bytes: Buffer, method: string) => Promise<NodeResponse> {
  return (bytes, method) =>
    new Promise((resolve) => {
      const connection = new Connection();
      const refused = (error: Error) => resolve({ refused: error.message });
      // `strict` holds even when NODE_OPTIONS asks for the insecure parser.
      const options = { httpValidation: 'strict', maxHeaderSize: 1 << 20 } as const;
      const asked = request({ ...options, method, createConnection: () => connection }, (response) => {
        const { statusCode: status = 0, rawHeaders: headers } = response;
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', refused);
        response.on('end', () => {
          if (!response.complete) return refused(new Error('cut short'));
          return resolve({ status, headers, body: Buffer.concat(chunks).toString('latin1') });
        });
      });
      asked.on('error', refused);
      asked.on('upgrade', () => refused(new Error('upgrade')));
      asked.end();
      connection.push(bytes);
      connection.push(null);
    });
}
