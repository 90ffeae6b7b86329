import type { Denial } from './denial.ts';
import type { Departure } from './departure.ts';
import type { HeaderList } from './header-list.ts';

/** One request as its protocol delivers it, good or bad. Behind this nobody knows which protocol that was. */
export type WireRequest = {
  /** Which request of its connection this is, from 1. */
  readonly number: number;
  /** What was said before the body, or the reason why it is no request. */
  readonly head: { readonly headers: HeaderList } | Denial;
  /** What was asked for, as far as it could be read: of what is refused it may be there too. */
  readonly line: { readonly method: string; readonly target: string } | undefined;
  readonly body: RequestBody | undefined;
  readonly answer: AnswerSink;
  readonly departure: Departure;
};

/** Receives a request body. After `end` or `failed` nothing more comes. */
export type BodyConsumer = {
  readonly chunk: (data: Buffer) => void;
  readonly end: () => void;
  readonly failed: (denial: Denial) => void;
};

/** A request body that is still arriving; the transport reads on only as fast as its consumer takes. */
export interface RequestBody {
  /** From Content-Length; undefined when only the end will tell. */
  readonly declaredBytes: number | undefined;
  readonly receivedBytes: number;
  /** Starts the delivery; to be called once. Until then the client's `100 Continue` is withheld. */
  consume(consumer: BodyConsumer): void;
  pause(): void;
  resume(): void;
}

/** How an answer's body ends. */
export type AnswerFraming =
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  /** HEAD, 204 and 304: no body whatever the headers say. */
  | { readonly kind: 'bodiless'; readonly declaredBytes: number | undefined };

/** Where the one final answer of an exchange goes; the protocol behind it does not show. */
export interface AnswerSink {
  /** True once a byte of the final answer may have left. */
  readonly started: boolean;
  readonly bytesOut: number;
  /** Held back until the first `write` or `end`, so that a small answer leaves in one piece. */
  head(status: number, headers: HeaderList, framing: AnswerFraming, close: boolean): void;
  /**
   * @param sent when the chunk has left and its memory is the caller's again; never where that is not known
   * @returns false when the client is behind; `onDrain` tells when to go on
   */
  write(chunk: Buffer, sent?: () => void): boolean;
  end(last: Buffer | undefined): void;
  /** Breaks the connection off, so that the client cannot take what it has for the whole. */
  abort(): void;
  onDrain(listener: () => void): void;
}
