/** The end of one answer. `head` is its status line and fields as they came. */
export type Answer = { readonly status: number; readonly head: string; readonly closes: boolean };

export type AnswerReader = {
  /** Takes what arrived; the bytes are not kept. Throws AnswerError for what no answer can be. */
  readonly read: (bytes: Buffer) => void;
  /** True between the first byte of an answer and its last. */
  readonly isInside: () => boolean;
};

/** Why the bytes are not an answer; the connection is of no use any more. */
export class AnswerError extends Error {}

const headEnd = Buffer.from('\r\n\r\n');
const lineEnd = Buffer.from('\r\n');
const none = Buffer.alloc(0);

type Part = 'head' | 'body' | 'chunk-size' | 'chunk' | 'trailer';

/**
 * Finds where answers end, and no more: it costs a fraction of what a whole HTTP client does, and every microsecond that the
 * generator takes is one that the machine does not have for its subject.
 */
export function createAnswerReader(isHeadRequest: () => boolean, answered: (answer: Answer) => void): AnswerReader {
  let held: Buffer = none;
  let part: Part = 'head';
  let left = 0;
  let answer: Answer = { status: 0, head: '', closes: false };

  const finish = () => {
    part = 'head';
    answered(answer);
  };
  /** Each takes its part from `at` and returns where it ends, or -1 when it has not come whole. */
  const readers: Readonly<Record<Part, (bytes: Buffer, at: number) => number>> = {
    head: (bytes, at) => {
      const end = bytes.indexOf(headEnd, at);
      if (end < 0) return -1;
      const head = bytes.toString('latin1', at, end + 2);
      const status = statusOf(head);
      if (status < 200) return end + 4;
      answer = { status, head, closes: /\r\nconnection: *close/i.test(head) };
      const framing = status === 204 || status === 304 || isHeadRequest() ? 0 : framingOf(head);
      if (framing === 0) finish();
      else if (framing === 'chunked') part = 'chunk-size';
      else [part, left] = ['body', framing];
      return end + 4;
    },
    body: (bytes, at) => {
      const taken = Math.min(left, bytes.length - at);
      left -= taken;
      if (left === 0) finish();
      return at + taken;
    },
    'chunk-size': (bytes, at) => {
      const end = bytes.indexOf(lineEnd, at);
      if (end < 0) return -1;
      const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
      if (Number.isNaN(size)) throw new AnswerError('a chunk of the answer has no size');
      if (size === 0) part = 'trailer';
      else [part, left] = ['chunk', size + lineEnd.length];
      return end + 2;
    },
    chunk: (bytes, at) => {
      const taken = Math.min(left, bytes.length - at);
      left -= taken;
      if (left === 0) part = 'chunk-size';
      return at + taken;
    },
    trailer: (bytes, at) => {
      const end = bytes.indexOf(lineEnd, at);
      if (end === at) finish();
      return end < 0 ? -1 : end + 2;
    },
  };

  return {
    isInside: () => part !== 'head' || held.length > 0,
    read: (arrived) => {
      const bytes = held.length === 0 ? arrived : Buffer.concat([held, arrived]);
      held = none;
      let at = 0;
      while (at < bytes.length) {
        const next = readers[part](bytes, at);
        if (next < 0) {
          held = Buffer.from(bytes.subarray(at));
          return;
        }
        at = next;
      }
    },
  };
}

function statusOf(head: string): number {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) throw new AnswerError('what came is no HTTP/1.1 answer');
  return Number(status);
}

function framingOf(head: string): number | 'chunked' {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) return 'chunked';
  throw new AnswerError('the answer says neither how long it is nor that it is chunked');
}
