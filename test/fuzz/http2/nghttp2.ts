import { performServerHandshake, type ServerHttp2Session, type ServerOptions } from 'node:http2';
import { FrameReader, flagBits, frameTypes, isType } from '../../harness/http2-frames.ts';
import { prefaceBytes, type SentFrame, sentFrames } from './client-frames.ts';
import { maxStreams } from './read-connection.ts';
import { aTurn, Wire } from './wire.ts';

/** A request as Node's nghttp2 read it. */
export type PeerRequest = {
  /** Name, value, name, value, as received. */
  readonly headers: readonly string[];
  body: string;
  whole: boolean;
};

/** Everything nghttp2 made of some bytes while nobody answers. */
export type PeerReading = {
  readonly requests: ReadonlyMap<number, PeerRequest>;
  /** The streams that it reset, and with which code. */
  readonly resets: ReadonlyMap<number, number>;
  /** What it said as it ended the connection: the code, and its reason in words. */
  readonly goaway: string | undefined;
  /** What Node says of it. */
  readonly cause: string;
  /** Whether it is over with the connection, with or without a word. */
  readonly ended: boolean;
};

/** As strict as it can be made; what is wrong with one stream ends that stream, as with us, and not all of them. */
const strict: ServerOptions = {
  strictFieldWhitespaceValidation: true,
  maxSessionInvalidFrames: 1000,
  maxHeaderListPairs: 4096,
  settings: { maxConcurrentStreams: maxStreams, enableConnectProtocol: false },
};

/**
 * A session of node:http2 for these bytes, which get each frame in a turn of its own: an error is not to hide what was
 * read before it.
 */
export async function readWithNghttp2(bytes: Buffer, unfinished: boolean): Promise<PeerReading> {
  const requests = new Map<number, PeerRequest>();
  const wire = new Wire();
  let ended = false;
  let cause = '';
  const session: ServerHttp2Session = performServerHandshake(wire, strict);
  session.setLocalWindowSize(262_144);
  session.on('error', (error: Error) => (cause = error.message)).on('close', () => (ended = true));
  session.on('stream', (stream, _headers, _flags, raw: string[]) => {
    const request: PeerRequest = { headers: raw, body: '', whole: false };
    if (stream.id !== undefined) requests.set(stream.id, request);
    stream.on('data', (chunk: Buffer) => (request.body += chunk.toString('latin1')));
    stream.on('end', () => (request.whole = !stream.aborted));
    stream.on('error', () => undefined);
  });
  wire.on('error', () => undefined);
  await aTurn();
  for (const piece of piecesOf(bytes, unfinished)) {
    if (ended || wire.destroyed) break;
    wire.push(piece);
    await aTurn();
    await aTurn();
  }
  // The end that it has announced comes a turn later.
  await aTurn();
  await aTurn();
  const reading = { requests: copyOf(requests), ...said(wire.written), cause, ended: ended || session.destroyed };
  session.destroy();
  wire.destroy();
  return reading;
}

/**
 * What nghttp2 is given. Of a frame or a block of fields that is not whole it takes a part, where we wait: unless we
 * have ended the connection for it, it is left out. And once a client has said that it leaves, Node reads no request
 * any more, where we finish what is under way (RFC 9113 section 6.8): a GOAWAY that has its form is left out too.
 */
function piecesOf(bytes: Buffer, unfinished: boolean): readonly Buffer[] {
  const { frames, rest } = sentFrames(bytes);
  const given: Buffer[] = [bytes.subarray(0, prefaceBytes)];
  let block: Buffer[] = [];
  for (const frame of frames) {
    const goesOn = frame.type === frameTypes.HEADERS || (frame.type === frameTypes.CONTINUATION && block.length > 0);
    const leaves = block.length === 0 && given.length > 1 && isGoaway(frame);
    if (!leaves) block.push(frame.bytes);
    if (goesOn && (frame.flags & flagBits.END_HEADERS) === 0) continue;
    given.push(...block);
    block = [];
  }
  return unfinished ? [...given, ...block, rest].filter(({ length }) => length > 0) : given;
}

const isGoaway = ({ type, stream, payload }: SentFrame) =>
  type === frameTypes.GOAWAY && stream === 0 && payload.length >= 8;

const copyOf = (requests: ReadonlyMap<number, PeerRequest>) =>
  new Map([...requests].map(([id, request]) => [id, { ...request }]));

function said(written: Buffer): Pick<PeerReading, 'resets' | 'goaway'> {
  const resets = new Map<number, number>();
  let goaway: string | undefined;
  for (const frame of new FrameReader().read(written)) {
    if (isType(frame, 'RST_STREAM')) resets.set(frame.stream, frame.payload.readUInt32BE(0));
    if (isType(frame, 'GOAWAY')) goaway ??= `${frame.payload.readUInt32BE(4)} ${frame.payload.toString('latin1', 8)}`;
  }
  return { resets, goaway };
}
