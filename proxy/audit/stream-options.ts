import type { AuditConfig } from '../config/config.ts';
import type { StorageError } from './segment.ts';

export type AuditState = 'writable' | 'failed';
export type CommitResult = 'written' | 'lost';

export type AuditStreamOptions = {
  /** The audit folder, locked by `lockAuditFolder`. The stream's own files are in `<folder>/<stream>/`. */
  readonly folder: string;
  /** `control`, or one name per data thread; lower case letters, digits and `-`. */
  readonly stream: string;
  readonly segmentBytes: number;
  /** For the record: what follows from a loss is the caller's to do. */
  readonly mode: AuditConfig['mode'];
  readonly identity: { readonly node: string; readonly workload: string };
  readonly now: () => number;
  readonly monotonicNs: () => bigint;
  /** Told at once, synchronously, possibly while the stream is being opened; `cause` comes with `failed`. */
  readonly onStateChange: (state: AuditState, cause: StorageError | undefined) => void;
  /** Told of each record that somebody waits for, before they are. */
  readonly onCommitted?: (result: CommitResult) => void;
  /** Between two syncs to the device, and between two attempts to recover. */
  readonly tickMs?: number;
};
