import type { Accident } from './mutate.ts';

/** What came of one comparison; `mark` says how it went, so that a message that goes a new way is kept. */
export type Outcome =
  | { readonly verdict: 'both-accept' | 'both-refuse'; readonly mark: string }
  | { readonly verdict: 'rule'; readonly rule: string }
  | { readonly verdict: 'unlisted'; readonly what: string };

/** One of our readers next to another parser of the same messages. */
export type Subject = {
  readonly name: string;
  readonly corpus: readonly Buffer[];
  /** What our reader says of the pieces: it must be the same for every split. */
  readonly read: (pieces: readonly Buffer[]) => object | Promise<object>;
  readonly compare: (bytes: Buffer) => Promise<Outcome>;
  /** What happens to messages of another kind than lines of text. */
  readonly accidents?: readonly Accident[];
};
