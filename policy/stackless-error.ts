/**
 * What a policy did, and not this program: its stack says nothing to anybody, and to make the first one takes V8 some 5 ms, for
 * which it parses each function on it again. A built-in may fail in every turn of a loop, and the budget is to end within 10 ms.
 */
export abstract class StacklessError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = stackTraceLimit;
  }
}
