/** Frames of RFC 9113 section 4.1 as bytes, by a few lines of our own: they share no mistake with the proxy, and hold to no rule. */

export const frameTypes = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const flagBits = { ACK: 0x1, END_STREAM: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

/** Section 7. */
export const errorCodes = {
  NO_ERROR: 0,
  PROTOCOL_ERROR: 1,
  INTERNAL_ERROR: 2,
  FLOW_CONTROL_ERROR: 3,
  SETTINGS_TIMEOUT: 4,
  STREAM_CLOSED: 5,
  FRAME_SIZE_ERROR: 6,
  REFUSED_STREAM: 7,
  CANCEL: 8,
  COMPRESSION_ERROR: 9,
  CONNECT_ERROR: 10,
  ENHANCE_YOUR_CALM: 11,
  INADEQUATE_SECURITY: 12,
  HTTP_1_1_REQUIRED: 13,
} as const;

/** Section 6.5.2. */
export const settingIds = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

export type FrameType = keyof typeof frameTypes;
export type ErrorCode = keyof typeof errorCodes;
export type Flag = keyof typeof flagBits;

export type Frame = {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
};

const headBytes = 9;

/** @param declared what the frame says of its length, where that is to be a lie */
export function frame(
  type: FrameType | number,
  flags: readonly Flag[] | number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  declared = payload.length,
): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(declared, 0, 3);
  head[3] = typeof type === 'number' ? type : frameTypes[type];
  head[4] = typeof flags === 'number' ? flags : flags.reduce((bits, flag) => bits | flagBits[flag], 0);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

export function settings(values: Partial<Record<keyof typeof settingIds, number>> = {}): Buffer {
  const entries = Object.entries(values).map(([name, value]) => {
    const entry = Buffer.alloc(6);
    entry.writeUInt16BE(settingIds[name as keyof typeof settingIds]);
    entry.writeUInt32BE(value, 2);
    return entry;
  });
  return frame('SETTINGS', [], 0, Buffer.concat(entries));
}

export const windowUpdate = (stream: number, by: number) => frame('WINDOW_UPDATE', [], stream, uint32(by));
export const resetStream = (stream: number, code: ErrorCode = 'CANCEL') =>
  frame('RST_STREAM', [], stream, uint32(errorCodes[code]));
export const goAway = (lastStream: number, code: ErrorCode) =>
  frame('GOAWAY', [], 0, Buffer.concat([uint32(lastStream), uint32(errorCodes[code])]));

/** The fixed part of section 3.4, without the SETTINGS that have to follow. */
export const prefaceText = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

/** Takes whole frames off the bytes of a connection, however they were cut. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  read(bytes: Buffer): readonly Frame[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length - at >= headBytes) {
      const end = at + headBytes + all.readUIntBE(at, 3);
      if (all.length < end) break;
      frames.push({
        type: all.readUInt8(at + 3),
        flags: all.readUInt8(at + 4),
        stream: all.readUInt32BE(at + 5),
        payload: all.subarray(at + headBytes, end),
      });
      at = end;
    }
    this.#rest = all.subarray(at);
    return frames;
  }

  /** Bytes of a frame that has not come whole. */
  get unfinished(): number {
    return this.#rest.length;
  }
}

export const hasFlag = ({ flags }: Frame, flag: Flag): boolean => (flags & flagBits[flag]) !== 0;
export const isType = ({ type }: Frame, name: FrameType): boolean => type === frameTypes[name];

export function codeName(code: number): ErrorCode | number {
  const [name] = Object.entries(errorCodes).find(([, value]) => value === code) ?? [];
  return (name as ErrorCode | undefined) ?? code;
}
