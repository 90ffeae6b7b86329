import type { AuditEvent } from './catalogue.ts';
import type { CommitResult } from './stream-options.ts';

/** A record on its way into the file. */
export type Entry = {
  readonly event: AuditEvent;
  readonly body: string;
  readonly settle: ((result: CommitResult) => void) | undefined;
};

/** Records that could not be written. */
export class Losses {
  /** Since the stream was opened. */
  total = 0;
  #owed = { lost: 0, refused: 0 };

  /** `refused` are those that were not even tried, because nothing was forwarded for them. */
  add(entries: readonly Pick<Entry, 'settle'>[], how: 'tried' | 'refused'): void {
    this.total += entries.length;
    this.#owed.lost += entries.length;
    if (how === 'refused') this.#owed.refused += entries.length;
    for (const { settle } of entries) settle?.('lost');
  }

  /** Those that no record has admitted yet. */
  get owed(): Readonly<{ lost: number; refused: number }> {
    return this.#owed;
  }

  admitted(): void {
    this.#owed = { lost: 0, refused: 0 };
  }
}
