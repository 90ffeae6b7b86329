import { type Denial, deny } from './denial.ts';

/**
 * Whether the client of an exchange is still there. An AbortController says the same, at 2 us for each request (its
 * events, weak references and collected listeners); here one who waits is one function in a list.
 */
export class Departure {
  #cause: Denial | undefined;
  /** Nearly always one. */
  #listener: ((cause: Denial) => void) | undefined;
  #others: ((cause: Denial) => void)[] | undefined;

  /** Why nobody waits for the answer any more. */
  get cause(): Denial | undefined {
    return this.#cause;
  }

  /** Told once, of what is still to come; who may be late asks for `cause` first. */
  listen(listener: (cause: Denial) => void): void {
    if (this.#listener === undefined) this.#listener = listener;
    else (this.#others ??= []).push(listener);
  }

  /** The exchange is over: what its listeners hold may be large. */
  forget(): void {
    this.#listener = undefined;
    this.#others = undefined;
  }

  happened(cause: Denial = deny('client-aborted')): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.#listener?.(cause);
    for (const listener of this.#others ?? []) listener(cause);
  }
}
