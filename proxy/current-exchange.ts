import type { Denial } from './denial.ts';
import { Departure } from './departure.ts';

/** What an exchange needs of its body and its answer to end them before their time, whatever their protocol. */
type Body = { readonly cut: (cause?: Denial) => void };
type Answer = { readonly connectionLost: () => void };

/** An exchange that a connection is busy with. */
export class CurrentExchange<B extends Body, A extends Answer> {
  readonly body: B | undefined;
  readonly answer: A;
  readonly departure = new Departure();
  /** For what was known when it began. */
  readonly #refused: boolean;

  constructor(body: B | undefined, answer: A, refused: boolean) {
    this.body = body;
    this.answer = answer;
    this.#refused = refused;
  }

  /**
   * What was allowed is not served beyond the identity that it was allowed to: its stream ends as well. Where nothing of
   * the answer has left, a refusal takes its place. @returns whether the time for that is over too
   */
  outlived(identityEnded: () => Denial | undefined): boolean {
    const cause = this.#refused ? undefined : identityEnded();
    if (cause === undefined) return false;
    if (this.departure.cause !== undefined) return true;
    this.departure.happened(cause);
    this.body?.cut(cause);
    return false;
  }

  /** Nobody is there any more. */
  lost(cause: Denial | undefined): void {
    // First, so that nobody who is told writes behind the end.
    this.answer.connectionLost();
    this.departure.happened(cause);
    this.body?.cut(cause);
  }
}
