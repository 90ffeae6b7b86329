import type { PolicyInput } from './input.ts';
import type { InputReads } from './input-reads.ts';
import { StacklessError } from './stackless-error.ts';

/**
 * Decides with one compiled policy. Synchronous and pure: the same input gives the same answer, and nothing outside of
 * the input (clock, network, randomness) can change it.
 */
export type PolicyEngine = {
  /** The revision of the bundle it was made from. */
  readonly revision: string;
  /** What of the input it can read; undefined: all. */
  readonly reads?: InputReads | undefined;
  /**
   * The raw result set of the entrypoint, which only `readDecision` may interpret. Throws EvaluationError when the
   * evaluation could not be completed.
   */
  readonly decide: (input: PolicyInput) => unknown;
};

/** An evaluation that was cut short. The request it was for cannot be decided, and is therefore refused. */
export class EvaluationError extends StacklessError {
  override readonly name = 'EvaluationError';
}

/** Marks a stretch that somebody else watches: from `enter` to `leave`. */
export type Mark = { readonly enter: () => void; readonly leave: () => void };
