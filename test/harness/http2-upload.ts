import type { Http2Client } from './http2.ts';
import { type Frame, frame, isType } from './http2-frames.ts';

const firstWindow = 65_535;
const largestFrame = 16_384;

/** How many bytes the proxy has room for: what it said, less what it was sent. */
export type UploadWindows = {
  readonly room: (stream: number) => number;
  readonly sent: (stream: number, bytes: number) => void;
};

export function uploadWindows(client: Http2Client): UploadWindows {
  const windows = new Map<number, number>();
  const windowOf = (stream: number) => windows.get(stream) ?? firstWindow;
  let read = 0;
  const look = () => {
    const frames = client.frames();
    for (; read < frames.length; read += 1) {
      const got = frames[read] as Frame;
      if (!isType(got, 'WINDOW_UPDATE')) continue;
      windows.set(got.stream, windowOf(got.stream) + got.payload.readUInt32BE(0));
    }
  };
  return {
    room: (stream) => {
      look();
      return Math.min(windowOf(0), windowOf(stream));
    },
    sent: (stream, bytes) => {
      for (const each of [0, stream]) windows.set(each, windowOf(each) - bytes);
    },
  };
}

/** Sends the body of a stream in whatever pieces the windows allow; ends early where the stream is reset. */
export async function upload(
  client: Http2Client,
  windows: UploadWindows,
  stream: number,
  body: Buffer,
  pieceBytes = largestFrame,
): Promise<void> {
  const isOver = () => client.answer(stream).reset !== undefined;
  for (let at = 0; at < body.length; ) {
    await client.until(() => windows.room(stream) > 0 || isOver());
    if (isOver()) return;
    const piece = body.subarray(at, at + Math.min(windows.room(stream), pieceBytes));
    at += piece.length;
    windows.sent(stream, piece.length);
    client.write(frame('DATA', at === body.length ? ['END_STREAM'] : [], stream, piece));
    // Others have their turn.
    await Promise.resolve();
  }
}
