import { Duplex } from 'node:stream';

/** A connection without a network: what is pushed is what the client sent, and what was written is kept. */
export class Wire extends Duplex {
  readonly #written: Buffer[] = [];
  /** Told of bytes as they leave. */
  onWritten: ((bytes: Buffer) => void) | undefined;
  /** While true the client takes nothing. */
  #stuck = false;
  #release: (() => void) | undefined;

  constructor() {
    super({ decodeStrings: true, allowHalfOpen: true });
  }

  get written(): Buffer {
    return Buffer.concat(this.#written);
  }

  set stuck(stuck: boolean) {
    this.#stuck = stuck;
    if (stuck) return;
    const release = this.#release;
    this.#release = undefined;
    release?.();
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#take(bytes, done);
  }

  override _writev(chunks: { readonly chunk: Buffer }[], done: () => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    done();
  }

  #take(bytes: Buffer, done: () => void): void {
    const take = () => {
      this.#written.push(bytes);
      this.onWritten?.(bytes);
      done();
    };
    if (this.#stuck) this.#release = take;
    else take();
  }
}

/** Everything that was due has happened: ticks, promises, and what asked for a turn of its own. */
export const aTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
