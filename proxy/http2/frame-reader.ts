import { violation, type Violation } from './error-code.ts';
import { flag, type Frame, frameHeadBytes, frameTypes, maxFrameBytes } from './frame.ts';

/** What a client says first (RFC 9113 section 3.4), so that no HTTP/1.1 server takes the rest for a request. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
const nothing = Buffer.alloc(0);

/** Cuts what a client sends into frames, in any split of the bytes; keeps no more than one that is not whole yet. */
export class FrameReader {
  #pending: Buffer = nothing;
  #greeted = false;

  /** True inside the preface or a frame: more of it has to come. */
  get incomplete(): boolean {
    return this.#pending.length > 0;
  }

  add(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** The next whole frame, or undefined while there is none. A frame that is too large is refused by its head alone. */
  next(): Frame | Violation | undefined {
    if (!this.#greeted) {
      const refused = this.#greet();
      if (refused !== undefined || !this.#greeted) return refused;
    }
    const bytes = this.#pending;
    if (bytes.length < frameHeadBytes) return undefined;
    const length = bytes.readUIntBE(0, 3);
    if (length > maxFrameBytes) return violation('FRAME_SIZE_ERROR', `a frame of ${length} bytes`);
    const end = frameHeadBytes + length;
    if (bytes.length < end) return undefined;
    this.#pending = end === bytes.length ? nothing : bytes.subarray(end);
    return {
      type: bytes[3] as number,
      flags: bytes[4] as number,
      streamId: bytes.readUInt32BE(5) & 0x7fff_ffff,
      payload: bytes.subarray(frameHeadBytes, end),
    };
  }

  #greet(): Violation | undefined {
    const begin = this.#pending.subarray(0, preface.length);
    if (!begin.equals(preface.subarray(0, begin.length))) return violation('PROTOCOL_ERROR', 'no preface of HTTP/2');
    if (begin.length < preface.length) return undefined;
    const type = this.#pending[preface.length + 3];
    const flags = this.#pending[preface.length + 4];
    if (type === undefined || flags === undefined) return undefined;
    // Its settings come with it (RFC 9113 section 3.4); an acknowledgement is none.
    if (type !== frameTypes.SETTINGS || (flags & flag.ack) !== 0)
      return violation('PROTOCOL_ERROR', 'the first frame is not SETTINGS');
    this.#pending = this.#pending.subarray(preface.length);
    this.#greeted = true;
    return undefined;
  }
}
