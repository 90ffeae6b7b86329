import { StacklessError } from '../stackless-error.ts';
import type { Value } from '../value/value.ts';

/** What a built-in may know besides its operands. */
export type BuiltinContext = {
  /** The request's time in milliseconds since the epoch, or undefined when the input carries none. */
  readonly unixMs: number | undefined;
  /**
   * Pays for work that grows with the operands, before doing it: one step for about 50 ns or 64 bytes. Throws
   * EvaluationError when the decision's budget is used up.
   */
  readonly charge: (steps: number) => void;
};

/**
 * A built-in function of Rego: pure, synchronous. It gives undefined where OPA's has no result, and throws BuiltinError
 * where OPA's fails.
 */
export type Builtin = (context: BuiltinContext, ...operands: readonly Value[]) => Value | undefined;

/** Names as Rego knows them, for example `strings.reverse`. */
export type Builtins = { readonly [name: string]: Builtin };

/** A built-in that failed. The call is undefined, as in OPA, unless built-in errors are strict. */
export class BuiltinError extends StacklessError {
  override readonly name = 'BuiltinError';
}

/** Undefined where the work fails with BuiltinError: for built-ins that say whether, and not what. */
export function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof BuiltinError) return undefined;
    throw thrown;
  }
}
