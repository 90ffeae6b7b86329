import type { Denial } from '../denial.ts';
import { Departure } from '../departure.ts';
import type { IncomingBody } from './incoming-body.ts';
import type { OutgoingAnswer } from './outgoing-answer.ts';

/** The exchange that a connection is busy with. */
export class CurrentExchange {
  readonly body: IncomingBody | undefined;
  readonly answer: OutgoingAnswer;
  readonly departure = new Departure();
  /** For what was known when it began. */
  readonly #refused: boolean;

  constructor(body: IncomingBody | undefined, answer: OutgoingAnswer, refused: boolean) {
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
    this.departure.happened(cause);
    this.body?.cut(cause);
    this.answer.connectionLost();
  }
}
