import { frameTypes } from '../../harness/http2-frames.ts';

export const prefaceBytes = 24;
const headBytes = 9;

/** A frame as a client sent it, whole or not; `bytes` has its nine bytes too. */
export type SentFrame = {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  readonly bytes: Buffer;
};

/** What stands behind the preface, cut where frames say that they end, whatever else is wrong with them. */
export function sentFrames(bytes: Buffer): { readonly frames: readonly SentFrame[]; readonly rest: Buffer } {
  const frames: SentFrame[] = [];
  let at = Math.min(prefaceBytes, bytes.length);
  while (at + headBytes <= bytes.length) {
    const end = at + headBytes + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    frames.push({
      type: bytes.readUInt8(at + 3),
      flags: bytes.readUInt8(at + 4),
      stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
      payload: bytes.subarray(at + headBytes, end),
      bytes: bytes.subarray(at, end),
    });
    at = end;
  }
  return { frames, rest: bytes.subarray(at) };
}

/** The streams that the client opens, in their order: as long as nothing is wrong, one for each request. */
export function openedStreams(bytes: Buffer): readonly number[] {
  const opened: number[] = [];
  for (const { type, stream } of sentFrames(bytes).frames) {
    if (type === frameTypes.HEADERS && stream % 2 === 1 && stream > (opened.at(-1) ?? 0)) opened.push(stream);
  }
  return opened;
}
