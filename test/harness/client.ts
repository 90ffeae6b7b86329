import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

export type ClientCredential = { readonly certPem: string; readonly keyPem: string };

/** One raw TLS connection: the test decides about every byte. */
export type RawClient = {
  readonly socket: TLSSocket;
  readonly write: (bytes: string | Buffer) => void;
  /** Resolves when `bytes` (of the whole answer so far) satisfy the test, or rejects when the connection ends before. */
  readonly until: (enough: (text: string) => boolean) => Promise<string>;
  /** Everything that came until the peer closed. */
  readonly untilClosed: () => Promise<string>;
  readonly text: () => string;
  readonly close: () => void;
};

export async function connectRaw(
  port: number,
  credential: ClientCredential | undefined,
  options: ConnectionOptions = {},
): Promise<RawClient> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    // Whom the proxy is, other tests ask; here the client must never be the one that refuses.
    rejectUnauthorized: false,
    ...(credential === undefined ? {} : { cert: credential.certPem, key: credential.keyPem }),
    ...options,
  });
  let received = '';
  let ended = false;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    received += chunk;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    ended = true;
  });
  await eitherOf(socket, 'secureConnect', 'close');
  return {
    socket,
    write: (bytes) => socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes),
    text: () => received,
    until: async (enough) => {
      while (!enough(received)) {
        if (ended) throw new Error(`the connection ended after: ${JSON.stringify(received)}`);
        await eitherOf(socket, 'data', 'close');
      }
      return received;
    },
    untilClosed: async () => {
      if (!ended) await eitherOf(socket, 'close');
      return received;
    },
    close: () => socket.destroy(),
  };
}

/** Not `once` of node:events, which rejects for an error: that the proxy cuts the connection is what tests wait for. */
function eitherOf(socket: TLSSocket, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    for (const event of events) socket.once(event, () => resolve());
  });
}

export type Answer = {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
};

/** Reads the first answer in `text` that has a Content-Length or ends with the text; undefined when it is not whole. */
export function parseAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const rest = text.slice(end + 4);
  const length = Number(headers.get('content-length') ?? Number.NaN);
  if (!Number.isNaN(length) && rest.length < length) return undefined;
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    body: Number.isNaN(length) ? rest : rest.slice(0, length),
  };
}

/** Sends one request as it is and reads one answer with Content-Length, or what came before the connection ended. */
export async function exchange(
  port: number,
  credential: ClientCredential | undefined,
  request: string | Buffer,
): Promise<{ readonly answer: Answer | undefined; readonly text: string; readonly client: RawClient }> {
  const client = await connectRaw(port, credential);
  client.write(request);
  const text = await client.until((soFar) => parseAnswer(soFar) !== undefined).catch(() => client.text());
  return { answer: parseAnswer(text), text, client };
}

/** A well-formed request with the given parts. */
export function requestText(method: string, target: string, headers: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body, 'latin1')}`];
  return [`${method} ${target} HTTP/1.1`, 'Host: localhost', ...headers, ...length, '', body].join('\r\n');
}
