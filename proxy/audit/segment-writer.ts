import fs from 'node:fs';
import type { LinkedLines } from './hash-chain.ts';
import { ensureReserve } from './reserve.ts';
import * as file from './segment.ts';

/** A fault found away from a write; `isFatal` when the current segment can no longer be trusted. */
export type FaultListener = (error: file.StorageError, isFatal: boolean) => void;

/** The files of one stream: which segment is written, when it is synced, sealed, given up. Knows nothing of records. */
export class SegmentWriter {
  readonly #folder: string;
  readonly #monotonicNs: () => bigint;
  readonly #onFault: FaultListener;
  readonly #background = new Set<Promise<void>>();
  #segment: file.Segment | undefined;
  #lastNumber: number;
  #unsyncedSinceNs: bigint | undefined;
  #syncing: { readonly done: Promise<void>; readonly sinceNs: bigint } | undefined;

  constructor(folder: string, segment: file.Segment, monotonicNs: () => bigint, onFault: FaultListener) {
    this.#folder = folder;
    this.#segment = segment;
    this.#lastNumber = segment.number;
    this.#monotonicNs = monotonicNs;
    this.#onFault = onFault;
    this.#inBackground(file.syncFolder(folder));
  }

  get number(): number {
    return this.#lastNumber;
  }

  /** False after a segment was given up and no new one could be made yet. */
  get isOpen(): boolean {
    return this.#segment !== undefined;
  }

  get bytes(): number {
    return this.#segment?.size ?? 0;
  }

  get lagMs(): number {
    const since = this.#syncing?.sinceNs ?? this.#unsyncedSinceNs;
    return since === undefined ? 0 : Number(this.#monotonicNs() - since) / 1e6;
  }

  write(lines: LinkedLines): file.Written {
    const segment = this.#segment;
    if (segment === undefined) return { lines: 0, error: undefined };
    try {
      file.assertIntact(segment);
    } catch (cause) {
      return { lines: 0, error: file.storageError(cause) };
    }
    const written = file.appendLines(segment, lines);
    if (written.lines > 0) this.#unsyncedSinceNs ??= this.#monotonicNs();
    return written;
  }

  /** Syncing and sealing the old file takes its time, off the path. When no new one can be made the old one goes on. */
  rotate(): boolean {
    const full = this.#segment;
    if (full === undefined) return false;
    try {
      this.#begin();
    } catch {
      return false;
    }
    this.#inBackground(this.#afterSync(() => file.seal(full)));
    return true;
  }

  /**
   * A new segment in place of one that failed, was removed or was replaced. The descriptor of the failed one is never
   * used again: a failed sync marks its pages clean, and a second one would report a success that is none
   * (PostgreSQL's fsync finding of 2018). Throws StorageError.
   */
  reopen(): void {
    this.#retire();
    try {
      // Not recursive: when the audit folder itself is gone, a volume may be missing, and its place is not ours to fill.
      if (!fs.existsSync(this.#folder)) fs.mkdirSync(this.#folder, { mode: 0o700 });
      ensureReserve(this.#folder);
      this.#begin();
    } catch (cause) {
      throw file.storageError(cause);
    }
    this.#inBackground(file.syncFolder(this.#folder));
  }

  /** Asks the device to confirm what was written; does nothing when it has, or is being asked. */
  sync(): void {
    const segment = this.#segment;
    const sinceNs = this.#unsyncedSinceNs;
    if (segment === undefined || sinceNs === undefined || this.#syncing !== undefined) return;
    this.#unsyncedSinceNs = undefined;
    const done = file
      .synced(segment.fd)
      .catch((cause: unknown) => this.#onFault(file.storageError(cause), segment === this.#segment))
      .finally(() => {
        this.#syncing = undefined;
      });
    this.#syncing = { done, sinceNs };
  }

  async close(): Promise<void> {
    await this.#syncing?.done;
    this.sync();
    await this.#syncing?.done;
    await Promise.all(this.#background);
    if (this.#segment !== undefined) fs.closeSync(this.#segment.fd);
    this.#segment = undefined;
  }

  /** A number is never given twice, even when its file was removed: the gap is what the verifier names. */
  #begin(): void {
    const number = Math.max(this.#lastNumber, ...file.segmentNumbers(this.#folder).slice(-1)) + 1;
    this.#segment = file.createSegment(this.#folder, number);
    this.#lastNumber = number;
  }

  #retire(): void {
    const segment = this.#segment;
    this.#segment = undefined;
    this.#unsyncedSinceNs = undefined;
    if (segment !== undefined) this.#inBackground(this.#afterSync(() => fs.closeSync(segment.fd)));
  }

  /** A descriptor must not be closed, and its number reused, while a sync of it is under way in the thread pool. */
  async #afterSync(work: () => Promise<void> | void): Promise<void> {
    await this.#syncing?.done;
    await work();
  }

  #inBackground(work: Promise<void>): void {
    const watched = work.catch((cause: unknown) => this.#onFault(file.storageError(cause), false));
    this.#background.add(watched);
    void watched.finally(() => this.#background.delete(watched));
  }
}
