import { type ErrorCode, errorCodes } from './error-code.ts';

/** RFC 9113 section 6. */
export const frameTypes = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

export type FrameType = keyof typeof frameTypes;

/** A bit has the meaning that its frame type gives it: `ack` and `endStream` are the same one. */
export const flag = { ack: 0x1, endStream: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const frameHeadBytes = 9;
/** The least that every peer takes, and all that we do: we announce no other SETTINGS_MAX_FRAME_SIZE. */
export const maxFrameBytes = 16_384;
/** What windows begin with before anybody says otherwise (RFC 9113 section 6.9.2). */
export const initialWindow = 65_535;
export const largestWindow = 0x7fff_ffff;

/** One frame as it came; the stream's reserved bit is gone. */
export type Frame = {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
};

/** The nine bytes in front of a payload of `length` bytes. */
export function writeFrameHead(
  into: Buffer,
  at: number,
  type: FrameType,
  flags: number,
  streamId: number,
  length: number,
): number {
  into.writeUIntBE(length, at, 3);
  into[at + 3] = frameTypes[type];
  into[at + 4] = flags;
  return into.writeUInt32BE(streamId, at + 5);
}

export function frameHead(type: FrameType, flags: number, streamId: number, length: number): Buffer {
  const head = Buffer.allocUnsafe(frameHeadBytes);
  writeFrameHead(head, 0, type, flags, streamId, length);
  return head;
}

export function frameOf(type: FrameType, flags: number, streamId: number, payload: Buffer): Buffer {
  return Buffer.concat([frameHead(type, flags, streamId, payload.length), payload]);
}

/** A payload of 32-bit numbers. */
function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.allocUnsafe(4 * values.length);
  for (const [index, value] of values.entries()) payload.writeUInt32BE(value, 4 * index);
  return payload;
}

export const resetFrame = (streamId: number, code: ErrorCode) =>
  frameOf('RST_STREAM', 0, streamId, numbers(errorCodes[code]));
export const windowFrame = (streamId: number, increment: number) =>
  frameOf('WINDOW_UPDATE', 0, streamId, numbers(increment));
export const goawayFrame = (lastStreamId: number, code: ErrorCode) =>
  frameOf('GOAWAY', 0, 0, numbers(lastStreamId, errorCodes[code]));
export const pingAnswer = (payload: Buffer) => frameOf('PING', flag.ack, 0, payload);

/** A header block as HEADERS and as many CONTINUATION as it takes (RFC 9113 section 4.3). */
export function headerFrames(streamId: number, block: Buffer, endStream: boolean): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += maxFrameBytes) {
    const piece = block.subarray(at, at + maxFrameBytes);
    const last = at + maxFrameBytes >= block.length ? flag.endHeaders : 0;
    const first = at === 0;
    const flags = last | (first && endStream ? flag.endStream : 0);
    parts.push(frameHead(first ? 'HEADERS' : 'CONTINUATION', flags, streamId, piece.length), piece);
  }
  return Buffer.concat(parts);
}
