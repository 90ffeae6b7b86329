/** What a built-in may know besides its arguments. */
export type BuiltinContext = {
  /** The request's time, or undefined when the input carries none. */
  readonly unixMs: number | undefined;
};

/**
 * A built-in on the JavaScript side: JSON values in, JSON text out (text, because nanoseconds do not fit a double), or
 * undefined where OPA's is undefined. Throws EvaluationError for what it cannot do as OPA does it.
 */
export type Builtin = (args: readonly unknown[], context: BuiltinContext) => string | undefined;
