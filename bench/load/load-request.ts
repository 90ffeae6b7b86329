/** One request as it is wanted. */
export type LoadRequest = {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** The status that it must be answered with; any other is a failure. 200 where nothing is said. */
  readonly expect?: number;
};

/** The same as bytes, made once and sent any number of times. */
export type PreparedRequest = {
  readonly bytes: Buffer;
  /** Apart from the head, and shared by all requests with that body, where a copy for each would be large. */
  readonly body: Buffer | undefined;
  readonly isHead: boolean;
  readonly expect: number;
};

/** Up to here a body goes out in one write with its head, so that both share one TLS record. */
const sharesRecord = 15 * 1024;

export function prepareRequest({ method, path, headers = {}, body, expect = 200 }: LoadRequest): PreparedRequest {
  const content = typeof body === 'string' ? Buffer.from(body) : asBuffer(body);
  const fields = {
    host: 'localhost',
    ...(content === undefined ? {} : { 'content-length': String(content.length) }),
    ...headers,
  };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
  const isHead = method === 'HEAD';
  if (content === undefined || content.length > sharesRecord) return { bytes: head, body: content, isHead, expect };
  return { bytes: Buffer.concat([head, content]), body: undefined, isHead, expect };
}

function asBuffer(body: Uint8Array | undefined): Buffer | undefined {
  return body === undefined ? undefined : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
