import type { Violation } from './error-code.ts';
import type { FieldBlock } from './hpack/kept-fields.ts';

/** What frames say, once their form has been judged: sizes, padding, which may stand on a stream and which on none. */
export type Received =
  | { readonly is: 'fields'; readonly streamId: number; readonly endStream: boolean; readonly block: FieldBlock }
  | {
      readonly is: 'data';
      readonly streamId: number;
      readonly endStream: boolean;
      readonly data: Buffer;
      /** What it takes of the windows: padding counts (RFC 9113 section 6.9.1). */
      readonly flowBytes: number;
    }
  | { readonly is: 'reset'; readonly streamId: number }
  /** Also of a frame on a stream that is malformed for that stream alone: an increment of 0. */
  | { readonly is: 'window'; readonly streamId: number; readonly increment: number }
  | { readonly is: 'settings'; readonly payload: Buffer }
  | { readonly is: 'ping'; readonly payload: Buffer }
  /** It has no answer and changes nothing: priorities, acknowledgements, frames nobody has defined yet, parts of a block. */
  | { readonly is: 'nothing'; readonly costs: boolean }
  | Violation;
