import type { WireRequest } from '../../../proxy/transport.ts';
import { below, oneOf, type Random, seeded } from '../../harness/random.ts';

const kinds = ['small', 'bodiless', 'large', 'slow', 'large head', 'nothing', 'broken off'] as const;
const times = ['at once', 'later', 'behind the body'] as const;

/**
 * One request as somebody serves it who keeps to the rules of `AnswerSink`: one last word, and no more written than is
 * asked for.
 */
export class Answering {
  readonly kind: (typeof kinds)[number];
  /** Bytes of content that the client must have got where it sees the end of the answer. */
  contentBytes = 0;
  lastWords = 0;
  writtenPieces = 0;
  /** Whose memory is ours again. */
  sentPieces = 0;
  /** How the body came to its end. */
  readonly bodyEnds: string[] = [];
  takenBytes = 0;
  readonly #request: WireRequest;
  readonly #random: Random;
  readonly #time: (typeof times)[number];
  #started = false;
  #left: number;
  #mayWrite = true;
  #paused = false;

  constructor(request: WireRequest, plan: number) {
    this.#request = request;
    this.#random = seeded(plan * 1009 + request.number);
    this.kind = oneOf(this.#random, kinds);
    this.#time = oneOf(this.#random, times);
    this.#left =
      this.kind === 'large' ? below(this.#random, 300_000) : this.kind === 'slow' ? below(this.#random, 40_000) : 0;
  }

  get isOver(): boolean {
    return this.lastWords > 0;
  }

  /** Bytes that wait for us, and what they cost. */
  get waiting(): { readonly bytes: number; readonly weight: number } {
    const { body } = this.#request;
    const weight = body !== undefined && 'waitingWeight' in body ? Number(body.waitingWeight) : 0;
    return { bytes: (body?.receivedBytes ?? 0) - this.takenBytes, weight };
  }

  begin(): void {
    const { head, body, departure } = this.#request;
    departure.listen(({ code }) => this.#giveUp(code !== 'client-aborted'));
    if (body !== undefined && (this.#time === 'behind the body' || this.#random() < 0.5)) this.#consume(body);
    if ('code' in head && (head.code === 'stream-refused' || head.code === 'client-aborted')) return this.#breakOff();
    const waits = this.#time === 'behind the body' && body !== undefined;
    if (!waits && this.#time !== 'later') this.#start();
  }

  /** Goes on with whatever it waits for of its own accord. */
  step(): void {
    if (this.isOver) return;
    if (this.#paused) {
      this.#paused = false;
      this.#request.body?.resume();
    }
    if (!this.#started && (this.#time === 'later' || this.bodyEnds.length > 0)) this.#start();
    else if (this.#started && this.kind === 'slow') this.#write(1);
  }

  #consume(body: NonNullable<WireRequest['body']>): void {
    const pauses = this.#random() < 0.4;
    body.consume({
      chunk: (bytes) => {
        if (this.bodyEnds.length > 0) this.bodyEnds.push('a chunk behind the end');
        this.takenBytes += bytes.length;
        if (!pauses) return;
        this.#paused = true;
        body.pause();
      },
      end: () => {
        this.bodyEnds.push('end');
        if (!this.#started && this.#time === 'behind the body') this.#start();
      },
      failed: ({ code }) => {
        this.bodyEnds.push(code);
        this.#giveUp(true);
      },
    });
  }

  #start(): void {
    if (this.#started || this.isOver) return;
    this.#started = true;
    const { answer, number } = this.#request;
    if (this.kind === 'nothing') return this.#breakOff();
    const headers = ['X-Number', String(number)];
    if (this.kind === 'large head') headers.push('x-large', 'v'.repeat(20_000));
    const status = this.kind === 'bodiless' ? 204 : 200;
    answer.head(
      status,
      headers,
      this.kind === 'bodiless' ? { kind: 'bodiless', declaredBytes: undefined } : { kind: 'chunked' },
      false,
    );
    if (this.kind === 'broken off') {
      if (this.#random() < 0.5) answer.write(Buffer.alloc(10));
      return this.#breakOff();
    }
    if (this.kind !== 'large' && this.kind !== 'slow')
      return this.#end(this.kind === 'bodiless' ? 0 : below(this.#random, 40_000));
    answer.onDrain(() => {
      this.#mayWrite = true;
      if (this.kind === 'large') this.#write(100);
    });
    if (this.kind === 'large') this.#write(100);
  }

  #write(pieces: number): void {
    for (let left = pieces; left > 0; left -= 1) {
      if (!this.#mayWrite || this.isOver) return;
      if (this.#left === 0) return this.#end(this.#random() < 0.5 ? 0 : 5);
      const bytes = Math.min(this.#left, 1 + below(this.#random, 30_000));
      this.#left -= bytes;
      this.contentBytes += bytes;
      this.writtenPieces += 1;
      // Before it is written: a drain may come while we do.
      this.#mayWrite = false;
      const goesOn = this.#request.answer.write(Buffer.alloc(bytes), () => (this.sentPieces += 1));
      if (goesOn) this.#mayWrite = true;
    }
  }

  #end(lastBytes: number): void {
    if (this.isOver) return;
    this.lastWords += 1;
    this.contentBytes += lastBytes;
    this.#request.answer.end(lastBytes === 0 ? undefined : Buffer.alloc(lastBytes));
  }

  /** A refusal takes the place of an answer that has not begun. */
  #giveUp(somebodyWaits: boolean): void {
    if (this.#started || !somebodyWaits) this.#breakOff();
    else this.#start();
  }

  #breakOff(): void {
    if (this.isOver) return;
    this.lastWords += 1;
    this.#request.answer.abort();
  }
}
