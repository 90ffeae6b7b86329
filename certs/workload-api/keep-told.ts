import { createBell } from './bell.ts';
import type { Watcher } from './kept-svid.ts';
import type { AnswerStream } from './listen.ts';

export type Told<Answer> = {
  /** Begins to listen to what the answer is made of; answers how to stop. */
  readonly watch: (watcher: Watcher) => Promise<() => void>;
  readonly answer: () => Promise<Answer>;
};

/** Answers now and after each change, until the caller leaves. A caller that reads slowly gets the newest, not each. */
export async function keepTold<Answer>(answers: AnswerStream<Answer>, { watch, answer }: Told<Answer>): Promise<void> {
  const bell = createBell();
  answers.onLeft(bell.end);
  const stop = await watch({ changed: bell.ring, failed: bell.fail });
  try {
    bell.ring();
    while (await bell.rung()) await answers.send(await answer());
  } finally {
    stop();
  }
}
