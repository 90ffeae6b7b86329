import { once } from 'node:events';
import { type ClientHttp2Session, type ClientSessionOptions, connect, constants } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

const frameHeader = 9;
const preface = 24;
const types = { headers: 0x1, settings: 0x4, continuation: 0x9 };
const endStream = 0x1;
const acknowledged = 0x1;
const endHeaders = 0x4;
const priority = 0x20;

/** Node would refuse to send them; its types do not know that a client can be told this too. */
const severalOfAnyField = { strictSingleValueFields: false };

export type HeaderBlock = { readonly stream: number; readonly block: Buffer };
export type Nghttp2Client = {
  readonly session: ClientHttp2Session;
  /** The frames that a block came in. */
  readonly continuations: () => number;
};

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHeader);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/**
 * A client of Node (nghttp2) and, at the other end of its connection, nothing but a socket: header blocks are cut out of the bytes
 * as they came, and the answer of each is the block that `answer` gives.
 */
export async function nghttp2Client(
  t: Test,
  answer: (request: HeaderBlock) => Buffer,
  options: { readonly tableBytes?: number; readonly client?: ClientSessionOptions } = {},
): Promise<Nghttp2Client> {
  let continuations = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(frame(types.settings, 0, 0, settings(options.tableBytes ?? 4096)));
    readBlocks(socket, (request, frames) => {
      continuations += frames - 1;
      socket.write(frame(types.headers, endStream | endHeaders, request.stream, answer(request)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    ...severalOfAnyField,
    ...options.client,
  });
  t.teardown(() => {
    session.destroy();
    server.close();
  });
  // What it encodes before it knows the size of the table would be for another one.
  await once(session, 'remoteSettings');
  return { session, continuations: () => continuations };
}

function settings(tableBytes: number): Buffer {
  const setting = Buffer.alloc(6);
  setting.writeUInt16BE(constants.NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, 0);
  setting.writeUInt32BE(tableBytes, 2);
  return setting;
}

function readBlocks(socket: Socket, onBlock: (block: HeaderBlock, frames: number) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  let at = preface;
  let parts: Buffer[] = [];
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk as Buffer]);
    while (bytes.length >= at + frameHeader) {
      const end = at + frameHeader + bytes.readUIntBE(at, 3);
      if (bytes.length < end) return;
      const type = bytes.readUInt8(at + 3);
      const flags = bytes.readUInt8(at + 4);
      const stream = bytes.readUInt32BE(at + 5);
      const payload = bytes.subarray(at + frameHeader, end);
      at = end;
      if (type === types.settings && flags !== acknowledged) {
        socket.write(frame(types.settings, acknowledged, 0, Buffer.alloc(0)));
      }
      if (type !== types.headers && type !== types.continuation) continue;
      parts.push(type === types.headers && (flags & priority) !== 0 ? payload.subarray(5) : payload);
      if ((flags & endHeaders) === 0) continue;
      const frames = parts.length;
      const block = Buffer.concat(parts);
      parts = [];
      onBlock({ stream, block }, frames);
    }
  });
}

/** Sends a request without a body, and gives the fields of its answer. */
export async function exchange({ session }: Nghttp2Client, fields: readonly string[]): Promise<readonly string[]> {
  const stream = session.request(fields as string[], { endStream: true });
  const [, , rawHeaders] = (await once(stream, 'response')) as [unknown, unknown, string[]];
  stream.resume();
  if (!stream.closed) await once(stream, 'close');
  return rawHeaders;
}
