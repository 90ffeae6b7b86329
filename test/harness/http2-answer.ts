import { type Field, readBlock } from './http2-blocks.ts';
import { codeName, type ErrorCode, type Frame, hasFlag, isType } from './http2-frames.ts';

/** What came on one stream so far. */
export type Http2Answer = {
  /** Of the final head; undefined while there is none. */
  readonly status: number | undefined;
  readonly interim: readonly number[];
  /** Of the final head, with what comes twice joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly trailers: readonly Field[] | undefined;
  /** True when the proxy ended the stream with END_STREAM. */
  readonly ended: boolean;
  /** The code of its RST_STREAM, if it sent one. */
  readonly reset: ErrorCode | number | undefined;
};

/** The frames of one stream, put together to an answer. */
export class ReadStream {
  readonly #interim: number[] = [];
  readonly #body: Buffer[] = [];
  #head: readonly Field[] | undefined;
  #trailers: readonly Field[] | undefined;
  #block: Buffer = Buffer.alloc(0);
  #ended = false;
  #reset: ErrorCode | number | undefined;

  get over(): boolean {
    return this.#ended || this.#reset !== undefined;
  }

  take(got: Frame): void {
    if (this.#ended && !isType(got, 'RST_STREAM') && !isType(got, 'CONTINUATION') && !isType(got, 'WINDOW_UPDATE')) {
      throw new Error(`a frame of type ${got.type} behind END_STREAM`);
    }
    if (isType(got, 'RST_STREAM')) this.#reset = codeName(got.payload.readUInt32BE(0));
    if (isType(got, 'DATA')) this.#body.push(got.payload);
    if (isType(got, 'HEADERS') || isType(got, 'CONTINUATION')) this.#takeBlock(got);
    if ((isType(got, 'DATA') || isType(got, 'HEADERS')) && hasFlag(got, 'END_STREAM')) this.#ended = true;
  }

  #takeBlock(got: Frame): void {
    this.#block = Buffer.concat([this.#block, got.payload]);
    if (!hasFlag(got, 'END_HEADERS')) return;
    const fields = readBlock(this.#block);
    this.#block = Buffer.alloc(0);
    const status = Number(fields.find(([name]) => name === ':status')?.[1]);
    if (status < 200) this.#interim.push(status);
    else if (this.#head === undefined) this.#head = fields;
    else this.#trailers = fields;
  }

  answer(): Http2Answer {
    const headers = new Map<string, string>();
    for (const [name, value] of this.#head ?? []) {
      const before = headers.get(name);
      headers.set(name, before === undefined ? value : `${before}, ${value}`);
    }
    const status = headers.get(':status');
    headers.delete(':status');
    return {
      status: status === undefined ? undefined : Number(status),
      interim: this.#interim,
      headers,
      body: Buffer.concat(this.#body).toString('latin1'),
      trailers: this.#trailers,
      ended: this.#ended,
      reset: this.#reset,
    };
  }
}
