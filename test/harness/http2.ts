import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type ClientCredential, connectRaw } from './client.ts';
import { type Http2Answer, ReadStream } from './http2-answer.ts';
import { type Field, fieldBlock } from './http2-blocks.ts';
import {
  codeName,
  type ErrorCode,
  type Frame,
  FrameReader,
  frame,
  hasFlag,
  isType,
  prefaceText,
  settings,
  windowUpdate,
} from './http2-frames.ts';
import { type ProxySetup, startProxy, type TestProxy } from './proxy.ts';

export type GoAway = { readonly code: ErrorCode | number; readonly lastStream: number; readonly debug: string };

export type Http2Client = {
  readonly socket: TLSSocket;
  readonly write: (...bytes: readonly Buffer[]) => void;
  /** Sends a head on the next stream of the client, in as many frames as it takes, and answers which stream that is. */
  readonly ask: (fields: readonly Field[], more?: 'body') => number;
  readonly answer: (stream: number) => Http2Answer;
  /** Resolves when the stream has been ended or reset by the proxy, or the connection has ended. */
  readonly untilAnswered: (stream: number) => Promise<Http2Answer>;
  readonly frames: () => readonly Frame[];
  readonly goAways: () => readonly GoAway[];
  /** Looks again whenever something came; rejects when the connection ends before. */
  readonly until: (enough: () => boolean) => Promise<void>;
  readonly untilClosed: () => Promise<void>;
  readonly closed: () => boolean;
  readonly close: () => void;
};

export type Http2Options = {
  /** Undefined: an empty SETTINGS follows the preface; `nothing`: the test sends the preface itself. */
  readonly opening?: Buffer | 'nothing';
  /** False: the test gives credit for what it receives. */
  readonly opensWindows?: boolean;
  readonly tls?: ConnectionOptions;
};

/** One connection of raw HTTP/2: the test decides about every byte. Only SETTINGS and PING are acknowledged by itself. */
export async function connectHttp2(
  port: number,
  credential: ClientCredential,
  { opening = settings(), opensWindows = true, tls = {} }: Http2Options = {},
): Promise<Http2Client> {
  const raw = await connectRaw(port, credential, { ALPNProtocols: ['h2'], ...tls });
  const { socket } = raw;
  if (socket.alpnProtocol !== 'h2') throw new Error(`the proxy speaks ${socket.alpnProtocol}`);
  // Else a request would wait until the credit written before it is acknowledged.
  socket.setNoDelay(true);
  const frames: Frame[] = [];
  const streams = new Map<number, ReadStream>();
  const write = (...bytes: readonly Buffer[]) => {
    if (socket.writable) socket.write(Buffer.concat(bytes));
  };
  const take = (got: Frame) => {
    frames.push(got);
    if (got.stream !== 0) streamOf(streams, got.stream).take(got);
    else if (isType(got, 'SETTINGS') && !hasFlag(got, 'ACK') && opening !== 'nothing')
      write(frame('SETTINGS', ['ACK'], 0));
    else if (isType(got, 'PING') && !hasFlag(got, 'ACK')) write(frame('PING', ['ACK'], 0, got.payload));
    if (!opensWindows || !isType(got, 'DATA') || got.payload.length === 0) return;
    write(windowUpdate(0, got.payload.length));
    if (!hasFlag(got, 'END_STREAM')) write(windowUpdate(got.stream, got.payload.length));
  };
  const reader = new FrameReader();
  const waiting = new Set<() => void>();
  const look = () => {
    for (const again of waiting) again();
  };
  const feed = (text: string) => {
    for (const got of reader.read(Buffer.from(text, 'latin1'))) take(got);
    look();
  };
  feed(raw.text());
  socket.on('data', feed).on('close', look);
  if (opening !== 'nothing') write(prefaceText, opening);
  const until = async (enough: () => boolean, unless = 'the connection ended') => {
    while (!enough()) {
      if (socket.closed)
        throw new Error(`${unless} after ${frames.length} frames, ${JSON.stringify(goAwaysIn(frames))}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.add(resolve);
      await promise;
      waiting.delete(resolve);
    }
  };
  // What the test says from now on is not interrupted by the acknowledgement.
  if (opening !== 'nothing') await until(() => frames.length > 0);
  let next = 1;
  return {
    socket,
    write,
    ask: (fields, more) => {
      const stream = next;
      next += 2;
      write(...headFrames(stream, fieldBlock(fields), more === undefined));
      return stream;
    },
    answer: (stream) => streamOf(streams, stream).answer(),
    untilAnswered: async (stream) => {
      const read = streamOf(streams, stream);
      await until(() => read.over || socket.closed);
      return read.answer();
    },
    frames: () => frames,
    goAways: () => goAwaysIn(frames),
    until,
    untilClosed: () => until(() => socket.closed),
    closed: () => socket.closed,
    close: raw.close,
  };
}

/** HEADERS, and CONTINUATION where the block is longer than a frame may be. */
export function headFrames(stream: number, block: Buffer, last: boolean): readonly Buffer[] {
  const largest = 16_384;
  const parts = [block.subarray(0, largest)];
  for (let at = largest; at < block.length; at += largest) parts.push(block.subarray(at, at + largest));
  return parts.map((part, index) => {
    const flags = (index === parts.length - 1 ? 0x4 : 0) | (index === 0 && last ? 0x1 : 0);
    return frame(index === 0 ? 'HEADERS' : 'CONTINUATION', flags, stream, part);
  });
}

/** The pseudo-header fields of a good request, and what is said besides. */
export const requestFields = (method: string, path: string, more: readonly Field[] = []): readonly Field[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
  ...more,
];

/** Asks once on the next stream, with a body where one is given. */
export function askHttp2(client: Http2Client, fields: readonly Field[], body?: string | Buffer): Promise<Http2Answer> {
  const stream = client.ask(fields, body === undefined ? undefined : 'body');
  if (body !== undefined) client.write(frame('DATA', ['END_STREAM'], stream, Buffer.from(body)));
  return client.untilAnswered(stream);
}

/** Resolves when the proxy has read all that was sent before, and written all that it then had to. */
export async function pinged(client: Http2Client): Promise<void> {
  const count = () => client.frames().filter((got) => isType(got, 'PING')).length;
  const before = count();
  client.write(frame('PING', [], 0, Buffer.alloc(8, 1)));
  await client.until(() => count() > before);
}

/** The real proxy, serving HTTP/2 from one thread. */
export function startHttp2Proxy(t: Parameters<typeof startProxy>[0], setup: ProxySetup): Promise<TestProxy> {
  return startProxy(t, { ...setup, config: { http2: {}, threads: 1, ...setup.config } });
}

function goAwaysIn(frames: readonly Frame[]): readonly GoAway[] {
  return frames
    .filter((got) => isType(got, 'GOAWAY'))
    .map(({ payload }) => ({
      lastStream: payload.readUInt32BE(0),
      code: codeName(payload.readUInt32BE(4)),
      debug: payload.toString('latin1', 8),
    }));
}

function streamOf(streams: Map<number, ReadStream>, stream: number): ReadStream {
  const known = streams.get(stream) ?? new ReadStream();
  streams.set(stream, known);
  return known;
}
