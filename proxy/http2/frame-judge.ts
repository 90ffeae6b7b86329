import type { LimitsConfig } from '../config/config.ts';
import { violation, type Violation } from './error-code.ts';
import { type Frame, flag, frameTypes } from './frame.ts';
import { BlockDecoder } from './hpack/decoder.ts';
import type { Received } from './received.ts';

/** SETTINGS_HEADER_TABLE_SIZE as it is when nobody says otherwise, and we do not. */
const tableBytes = 4096;
/** A head of the largest size takes this many frames at most; only a flood takes more (CVE-2024-27983). */
const maxContinuations = 16;

/** `:method`, `:scheme` and `:path`: the request line of HTTP/1.1, which is no header there either. */
const lineFields = 3;

/** A block of fields whose end has not come. Nothing else may come before that (RFC 9113 section 4.3). */
type OpenBlock = {
  readonly streamId: number;
  readonly endStream: boolean;
  readonly parts: Buffer[];
  bytes: number;
};

const free: Received = { is: 'nothing', costs: false };
const ignored: Received = { is: 'nothing', costs: true };

/** Judges the form of each frame (RFC 9113 section 6) and says what it means. Which streams there are is not its concern. */
export class FrameJudge {
  readonly #limits: () => Pick<LimitsConfig, 'maxHeadBytes' | 'maxHeaders'>;
  readonly #decoder = new BlockDecoder(tableBytes);
  #open: OpenBlock | undefined;
  /** Of the settings that we sent once. */
  #acknowledged = false;

  constructor(limits: () => Pick<LimitsConfig, 'maxHeadBytes' | 'maxHeaders'>) {
    this.#limits = limits;
  }

  /** The stream whose block of fields has begun and has no end yet: who stops there holds up everything. */
  get openBlock(): number | undefined {
    return this.#open?.streamId;
  }

  judge(frame: Frame): Received {
    const { type, streamId } = frame;
    if (this.#open !== undefined) return this.#continue(frame, this.#open);
    switch (type) {
      case frameTypes.DATA:
        return streamId === 0 ? onNoStream('DATA') : data(frame);
      case frameTypes.HEADERS:
        return streamId === 0 ? onNoStream('HEADERS') : this.#begin(frame);
      case frameTypes.PRIORITY:
        return streamId === 0 ? onNoStream('PRIORITY') : priority(frame);
      case frameTypes.RST_STREAM:
        return streamId === 0 ? onNoStream('RST_STREAM') : reset(frame);
      case frameTypes.SETTINGS:
        return streamId === 0 ? this.#settings(frame) : onAStream('SETTINGS');
      case frameTypes.PUSH_PROMISE:
        return violation('PROTOCOL_ERROR', 'PUSH_PROMISE from a client');
      case frameTypes.PING:
        return streamId === 0 ? ping(frame) : onAStream('PING');
      case frameTypes.GOAWAY:
        return streamId === 0 ? goaway(frame) : onAStream('GOAWAY');
      case frameTypes.WINDOW_UPDATE:
        return windowUpdate(frame);
      case frameTypes.CONTINUATION:
        return violation('PROTOCOL_ERROR', 'CONTINUATION without a block to continue');
      default:
        return ignored;
    }
  }

  #begin(frame: Frame): Received {
    const content = withoutPadding(frame);
    if ('is' in content) return content;
    const priorityBytes = (frame.flags & flag.priority) === 0 ? 0 : 5;
    if (content.length < priorityBytes) return violation('FRAME_SIZE_ERROR', 'HEADERS too short for its priority');
    const fragment = content.subarray(priorityBytes);
    const { streamId, flags } = frame;
    const block = { streamId, endStream: (flags & flag.endStream) !== 0, parts: [fragment], bytes: fragment.length };
    return (flags & flag.endHeaders) !== 0 ? this.#decode(block) : this.#keepOpen(block);
  }

  #continue({ type, streamId, flags, payload }: Frame, open: OpenBlock): Received {
    if (type !== frameTypes.CONTINUATION || streamId !== open.streamId) {
      return violation('PROTOCOL_ERROR', 'a block of fields was interrupted');
    }
    open.parts.push(payload);
    open.bytes += payload.length;
    return (flags & flag.endHeaders) !== 0 ? this.#decode(open) : this.#keepOpen(open);
  }

  #keepOpen(block: OpenBlock): Received {
    // Twice: a list is measured decoded. What is larger cannot be skipped, as all blocks behind depend on it.
    if (block.parts.length > maxContinuations || block.bytes > 2 * this.#limits().maxHeadBytes) {
      return violation('ENHANCE_YOUR_CALM', 'a block of fields without end');
    }
    this.#open = block;
    return free;
  }

  #settings({ flags, payload }: Frame): Received {
    const isAnswer = (flags & flag.ack) !== 0;
    if (isAnswer ? payload.length > 0 : payload.length % 6 !== 0) return ofWrongSize('SETTINGS');
    if (!isAnswer) return { is: 'settings', payload };
    if (this.#acknowledged) return violation('PROTOCOL_ERROR', 'settings acknowledged that were not sent');
    this.#acknowledged = true;
    return free;
  }

  #decode({ streamId, endStream, parts, bytes }: OpenBlock): Received {
    this.#open = undefined;
    const { maxHeadBytes, maxHeaders } = this.#limits();
    const whole = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, bytes);
    const block = this.#decoder.decode(whole, { maxBytes: maxHeadBytes, maxFields: maxHeaders + lineFields });
    if (block.kind === 'broken') return violation('COMPRESSION_ERROR', block.detail);
    return { is: 'fields', streamId, endStream, block };
  }
}

function onNoStream(type: string): Violation {
  return violation('PROTOCOL_ERROR', `${type} on stream 0`);
}

function onAStream(type: string): Violation {
  return violation('PROTOCOL_ERROR', `${type} on a stream`);
}

function ofWrongSize(type: string): Violation {
  return violation('FRAME_SIZE_ERROR', `${type} of a wrong size`);
}

/** RFC 9113 section 6.1: padding that reaches the whole payload is an error, before anything is done with it. */
function withoutPadding({ flags, payload }: Frame): Buffer | Violation {
  if ((flags & flag.padded) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined) return violation('FRAME_SIZE_ERROR', 'no length of the padding');
  return padding >= payload.length
    ? violation('PROTOCOL_ERROR', 'more padding than payload')
    : payload.subarray(1, payload.length - padding);
}

function data(frame: Frame): Received {
  const content = withoutPadding(frame);
  if ('is' in content) return content;
  const { streamId, flags, payload } = frame;
  return { is: 'data', streamId, endStream: (flags & flag.endStream) !== 0, data: content, flowBytes: payload.length };
}

function priority({ payload }: Frame): Received {
  // A stream error by RFC 9113 section 6.3, which also lets it be one of the connection (section 5.4.2).
  return payload.length === 5 ? ignored : ofWrongSize('PRIORITY');
}

function reset({ streamId, payload }: Frame): Received {
  return payload.length === 4 ? { is: 'reset', streamId } : ofWrongSize('RST_STREAM');
}

function ping({ flags, payload }: Frame): Received {
  if (payload.length !== 8) return ofWrongSize('PING');
  return (flags & flag.ack) === 0 ? { is: 'ping', payload } : ignored;
}

/** The client leaves: it opens no stream any more, and what is under way is finished. */
function goaway({ payload }: Frame): Received {
  return payload.length >= 8 ? ignored : ofWrongSize('GOAWAY');
}

function windowUpdate({ streamId, payload }: Frame): Received {
  if (payload.length !== 4) return ofWrongSize('WINDOW_UPDATE');
  const increment = payload.readUInt32BE(0) & 0x7fff_ffff;
  if (streamId === 0 && increment === 0) return violation('PROTOCOL_ERROR', 'a window that grows by nothing');
  return { is: 'window', streamId, increment };
}
