import { violation, type Violation } from './error-code.ts';
import { frameOf, flag, initialWindow, largestWindow, maxFrameBytes } from './frame.ts';

/** RFC 9113 section 6.5.2, and RFC 9218 section 2.1. */
const setting = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
  noRfc7540Priorities: 0x9,
} as const;

const settingBytes = 6;
/** More than there are names for, so that nobody makes us read thousands. */
const maxSettings = 32;

/** Of what a client asks for, all that matters to who sends neither pushes nor compressed fields. */
export type PeerSettings = { readonly initialWindow: number };

export const firstSettings: PeerSettings = { initialWindow };

/** What we ask for: this many requests at once, and no head that would be refused anyway. */
export function ourSettings(maxStreams: number, maxHeadBytes: number): Buffer {
  const asked: readonly (readonly [number, number])[] = [
    [setting.maxConcurrentStreams, maxStreams],
    [setting.maxHeaderListSize, maxHeadBytes],
    [setting.noRfc7540Priorities, 1],
  ];
  const payload = Buffer.allocUnsafe(asked.length * settingBytes);
  for (const [index, [name, value]] of asked.entries()) {
    payload.writeUInt16BE(name, index * settingBytes);
    payload.writeUInt32BE(value, index * settingBytes + 2);
  }
  return frameOf('SETTINGS', 0, 0, payload);
}

export const settingsAnswer = frameOf('SETTINGS', flag.ack, 0, Buffer.alloc(0));

/** @param payload whose length is a multiple of six */
export function readSettings(payload: Buffer, before: PeerSettings): PeerSettings | Violation {
  if (payload.length > maxSettings * settingBytes)
    return violation('ENHANCE_YOUR_CALM', 'too many settings in a frame');
  let settings = before;
  for (let at = 0; at < payload.length; at += settingBytes) {
    const name = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    const wrong = judge(name, value);
    if (wrong !== undefined) return wrong;
    if (name === setting.initialWindowSize) settings = { initialWindow: value };
  }
  return settings;
}

function judge(name: number, value: number): Violation | undefined {
  switch (name) {
    case setting.enablePush:
    case setting.noRfc7540Priorities:
      return value > 1 ? violation('PROTOCOL_ERROR', `setting ${name} is neither 0 nor 1`) : undefined;
    case setting.initialWindowSize:
      return value > largestWindow ? violation('FLOW_CONTROL_ERROR', 'an initial window above 2^31-1') : undefined;
    case setting.maxFrameSize:
      return value < maxFrameBytes || value > 0xff_ffff
        ? violation('PROTOCOL_ERROR', 'a frame size that may not be asked for')
        : undefined;
    default:
      return undefined;
  }
}
