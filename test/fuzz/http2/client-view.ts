import { readBlock } from '../../harness/http2-blocks.ts';
import { type Frame, FrameReader, frameTypes, hasFlag, isType, settingIds } from '../../harness/http2-frames.ts';
import type { SentFrame } from './client-frames.ts';

const firstWindow = 65_535;
const largestFrame = 16_384;

type Answer = { head: boolean; ended: boolean; reset: boolean; dataBytes: number; number: string };

/** What a client can see of a connection, and hold against it: order of frames, windows, ends. */
export class ClientView {
  /** What must not be. */
  readonly faults: string[] = [];
  /** Which kinds of frames came, so that a message that brings another is told from the rest. */
  readonly kinds = new Set<string>();
  readonly answers = new Map<number, Answer>();
  readonly #reader = new FrameReader();
  readonly #opened = new Set<number>();
  readonly #widened = new Map<number, number>();
  /** What each SETTINGS that has no acknowledgement yet says of the first window, if anything. */
  readonly #asked: (number | undefined)[] = [];
  #firstWindow = firstWindow;
  #dataBytes = 0;
  #block: { readonly first: Frame; readonly parts: Buffer[] } | undefined;
  #frames = 0;
  #lastStream = Number.POSITIVE_INFINITY;
  #over = false;

  /** Told of each frame before its last byte is sent: nobody can know of it earlier. */
  sent({ type, flags, stream, payload }: SentFrame): void {
    if (type === frameTypes.HEADERS) this.#opened.add(stream);
    if (type === frameTypes.WINDOW_UPDATE && payload.length === 4) {
      const by = payload.readUInt32BE(0) & 0x7fff_ffff;
      this.#widened.set(stream, (this.#widened.get(stream) ?? 0) + by);
    }
    if (type !== frameTypes.SETTINGS || stream !== 0 || (flags & 1) !== 0) return;
    let asked: number | undefined;
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      if (payload.readUInt16BE(at) === settingIds.INITIAL_WINDOW_SIZE) asked = payload.readUInt32BE(at + 2);
    }
    this.#asked.push(asked);
  }

  received(bytes: Buffer): void {
    for (const frame of this.#reader.read(bytes)) this.#take(frame);
  }

  /** Bytes of a frame that has not come whole. */
  get unfinished(): number {
    return this.#reader.unfinished;
  }

  #take(frame: Frame): void {
    this.#frames += 1;
    this.kinds.add(`${frame.type} ${frame.flags} ${frame.stream === 0 ? 0 : 1}`);
    const wrong = this.#wrongWith(frame);
    if (wrong !== undefined)
      this.faults.push(`${wrong}: type ${frame.type}, flags ${frame.flags}, stream ${frame.stream}`);
  }

  #wrongWith(frame: Frame): string | undefined {
    if (this.#over) return 'a frame behind the GOAWAY of an error';
    if (this.#frames === 1 && !isType(frame, 'SETTINGS')) return 'not SETTINGS at first';
    if (frame.payload.length > largestFrame) return 'too large a frame';
    if (this.#block !== undefined && !isType(frame, 'CONTINUATION')) return 'an interrupted block';
    return frame.stream === 0 ? this.#ofConnection(frame) : this.#ofStream(frame);
  }

  #ofConnection(frame: Frame): string | undefined {
    if (isType(frame, 'SETTINGS') && hasFlag(frame, 'ACK')) {
      if (this.#asked.length === 0) return 'an acknowledgement of nothing';
      this.#firstWindow = this.#asked.shift() ?? this.#firstWindow;
    } else if (isType(frame, 'GOAWAY')) {
      const last = frame.payload.readUInt32BE(0);
      if (last > this.#lastStream) return 'a last stream that grows';
      this.#lastStream = last;
      this.#over = frame.payload.readUInt32BE(4) !== 0;
    } else if (!isType(frame, 'SETTINGS') && !isType(frame, 'PING') && !isType(frame, 'WINDOW_UPDATE')) {
      return 'no frame of a connection';
    }
    return undefined;
  }

  #ofStream(frame: Frame): string | undefined {
    const { stream, payload } = frame;
    if (!this.#opened.has(stream)) return 'a stream that nobody has opened';
    const answer = this.#answerOf(stream);
    if (answer.reset) return 'a frame behind RST_STREAM';
    if (isType(frame, 'RST_STREAM')) {
      answer.reset = true;
      return undefined;
    }
    if (isType(frame, 'WINDOW_UPDATE'))
      return payload.readUInt32BE(0) === 0 ? 'a window that grows by nothing' : undefined;
    if (answer.ended) return 'a frame behind END_STREAM';
    if (isType(frame, 'DATA')) return this.#data(frame, answer);
    if (!isType(frame, 'HEADERS') && !isType(frame, 'CONTINUATION')) return 'no frame of a stream';
    if (stream > this.#lastStream) return 'an answer to what was told to be not served';
    return this.#fields(frame, answer);
  }

  #data(frame: Frame, answer: Answer): string | undefined {
    const bytes = frame.payload.length;
    answer.dataBytes += bytes;
    this.#dataBytes += bytes;
    answer.ended = hasFlag(frame, 'END_STREAM');
    if (!answer.head) return 'DATA before the head';
    if (bytes === 0) return undefined;
    if (this.#dataBytes > firstWindow + this.#widenedBy(0)) return 'more than the window of the connection';
    const window = this.#firstWindow + this.#widenedBy(frame.stream);
    return answer.dataBytes > window ? 'more than the window of the stream' : undefined;
  }

  #fields(frame: Frame, answer: Answer): string | undefined {
    this.#block ??= { first: frame, parts: [] };
    this.#block.parts.push(frame.payload);
    if (!hasFlag(frame, 'END_HEADERS')) return undefined;
    const { first, parts } = this.#block;
    this.#block = undefined;
    const fields = readBlock(Buffer.concat(parts));
    const status = fields[0]?.[0] === ':status' ? Number(fields[0][1]) : 0;
    answer.ended = hasFlag(first, 'END_STREAM');
    if (answer.head) return 'a second head';
    if (status < 200) return status === 100 && !answer.ended ? undefined : 'no status';
    answer.head = true;
    answer.number = fields.find(([name]) => name === 'x-number')?.[1] ?? '';
    return undefined;
  }

  #widenedBy(stream: number): number {
    return this.#widened.get(stream) ?? 0;
  }

  #answerOf(stream: number): Answer {
    const known = this.answers.get(stream);
    if (known !== undefined) return known;
    const answer = { head: false, ended: false, reset: false, dataBytes: 0, number: '' };
    this.answers.set(stream, answer);
    return answer;
  }
}
