import { readdirSync, readFileSync } from 'node:fs';
import type { Forwarded } from './http1-vectors.ts';
import { type Field, fieldBlock } from './http2-blocks.ts';
import { headFrames, requestFields } from './http2.ts';
import { type ErrorCode, type Flag, type FrameType, frame, uint32 } from './http2-frames.ts';

/** Text, one character per byte; a part that repeats is written once. */
type Part = string | { readonly repeat: string; readonly times: number };
type Text = Part | readonly Part[];
type FieldPart = readonly [Text, Text] | { readonly repeat: readonly [Text, Text]; readonly times: number };

type Payload =
  /** Hexadecimal. */
  | string
  | { readonly zeros: number }
  | { readonly uint32: readonly number[] }
  /** A header block, or the bytes of one `from` and up to `cut`; `before` and `behind` are hexadecimal. */
  | {
      readonly fields: readonly FieldPart[];
      readonly before?: string;
      readonly behind?: string;
      readonly from?: number;
      readonly cut?: number;
    };

export type Step =
  | {
      readonly type: FrameType | number;
      readonly flags: readonly Flag[] | number;
      readonly stream: number;
      readonly payload?: Payload;
      /** What the frame says of its length, where that is a lie. */
      readonly length?: number;
    }
  /** A good GET, or the head of a POST whose body is still to come. */
  | { readonly ask: number }
  | { readonly open: number }
  /** Goes on when that stream has its answer. */
  | { readonly answered: number };

export type Expectation =
  | { readonly status: number; readonly code: string }
  | { readonly forwarded: Omit<Forwarded, 'headers'> & { readonly headers: readonly Text[] } }
  /** Stream 1 is answered with 200. */
  | { readonly served: true }
  | { readonly rst: ErrorCode }
  /** `asked` requests were served before, `aborted` were under way. */
  | { readonly goaway: ErrorCode; readonly asked?: number; readonly aborted?: number };

/** What a client says, and what must become of it; either one request on stream 1, or frames. */
export type Http2Vector = {
  readonly name: string;
  readonly ref: string;
  /** In place of the whole preface and its SETTINGS. */
  readonly preface?: Text;
  readonly frames?: readonly Step[];
  /** In place of those of a good GET. */
  readonly pseudo?: readonly FieldPart[];
  readonly fields?: readonly FieldPart[];
  readonly data?: readonly string[];
  readonly trailers?: readonly FieldPart[];
  /** True where the trailers come without END_STREAM. */
  readonly openTrailers?: true;
  /** True where a part of the request may have left before it turned out bad. */
  readonly part?: true;
  readonly expect: Expectation;
};

export type Http2VectorGroup = {
  readonly name: string;
  readonly about: string;
  readonly vectors: readonly Http2Vector[];
};

export function loadHttp2Vectors(): readonly Http2VectorGroup[] {
  const folder = new URL('../vectors/http2/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((file) => {
      const group = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Omit<Http2VectorGroup, 'name'>;
      return { ...group, name: file.slice(0, -'.json'.length) };
    });
}

export function textOf(text: Text): string {
  const parts = typeof text === 'object' && !('repeat' in text) ? text : [text];
  return parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('');
}

function fieldsOf(parts: readonly FieldPart[]): readonly Field[] {
  return parts.flatMap((part) => {
    const [[name, value], times] = 'repeat' in part ? [part.repeat, part.times] : [part, 1];
    return Array<Field>(times).fill([textOf(name), textOf(value)]);
  });
}

/** The frames of a vector that is one request. */
export function requestFrames({ pseudo, fields = [], data, trailers, openTrailers }: Http2Vector): readonly Buffer[] {
  const all = [...(pseudo === undefined ? requestFields('GET', '/asked') : fieldsOf(pseudo)), ...fieldsOf(fields)];
  const body = (data ?? []).map((text, index, { length }) => {
    const last = trailers === undefined && index === length - 1;
    return frame('DATA', last ? ['END_STREAM'] : [], 1, Buffer.from(text, 'latin1'));
  });
  const end = trailers === undefined ? [] : headFrames(1, fieldBlock(fieldsOf(trailers)), openTrailers !== true);
  return [...headFrames(1, fieldBlock(all), data === undefined && trailers === undefined), ...body, ...end];
}

export function stepFrames(step: Exclude<Step, { readonly answered: number }>): readonly Buffer[] {
  if ('ask' in step) return headFrames(step.ask, fieldBlock(requestFields('GET', '/asked')), true);
  if ('open' in step) return headFrames(step.open, fieldBlock(requestFields('POST', '/asked')), false);
  const { type, flags, stream, payload = '', length } = step;
  return [frame(type, flags, stream, payloadOf(payload), length)];
}

function payloadOf(payload: Payload): Buffer {
  if (typeof payload === 'string') return Buffer.from(payload, 'hex');
  if ('zeros' in payload) return Buffer.alloc(payload.zeros);
  if ('uint32' in payload) return Buffer.concat(payload.uint32.map(uint32));
  const { fields, before = '', behind = '', from = 0, cut } = payload;
  const block = fieldBlock(fieldsOf(fields)).subarray(from, cut);
  return Buffer.concat([Buffer.from(before, 'hex'), block, Buffer.from(behind, 'hex')]);
}
