import { deserialize, serialize } from 'node:v8';
import type { Difference } from '../../policy/engines/verify.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { LogFields, LogLevel } from '../telemetry/log.ts';
import type { MeasurementDelta } from '../telemetry/measurements.ts';
import type { SharedLimitsMemory } from '../limit/shared-limits.ts';
import type { BesidesRules, Rules, SnapshotData } from '../snapshot-data.ts';

/** The first message that a data thread is sent: what it gets ready with, before it is known who we are and whom we trust. */
export type ThreadBegin = {
  readonly index: number;
  readonly node: string;
  readonly rules: Rules;
};

/** The second. */
export type ThreadStart = {
  readonly limits: SharedLimitsMemory;
  readonly snapshot: BesidesRules;
  readonly svid: SvidMaterial;
  /** The address to listen on; its port is known by now even where the configuration says 0. */
  readonly listen: { readonly host: string; readonly port: number };
};

/**
 * Control to data thread. In a swap a snapshot is prepared by all threads before any of them judges by it; `judge-by` is for
 * one that no thread may refuse.
 */
export type Order =
  | { readonly do: 'prepare'; readonly digest: string; readonly packed: Uint8Array }
  | { readonly do: 'commit'; readonly digest: string }
  | { readonly do: 'judge-by'; readonly packed: Uint8Array }
  /** A policy revision that decides nothing any more, whatever snapshot a request was accepted with. */
  | { readonly do: 'condemn'; readonly revision: string }
  | { readonly do: 'svid'; readonly svid: SvidMaterial }
  | { readonly do: 'measure'; readonly request: number }
  | { readonly do: 'drain' }
  | { readonly do: 'break-off' };

/**
 * Packed, because a message is taken apart before the thread knows that it is there. Large policy data takes longer than
 * a thread may stand still; inside `prepare` the watchdog has patience with it.
 */
export function prepareOrder(snapshot: SnapshotData): Extract<Order, { do: 'prepare' }> {
  return { do: 'prepare', digest: snapshot.digest, packed: serialize(snapshot) };
}

export function judgeByOrder(snapshot: SnapshotData): Extract<Order, { do: 'judge-by' }> {
  return { do: 'judge-by', packed: serialize(snapshot) };
}

export function unpack(packed: Uint8Array): SnapshotData {
  return deserialize(packed) as SnapshotData;
}

/** Data thread to control. */
export type Report =
  | { readonly is: 'listening'; readonly port: number }
  | {
      readonly is: 'failed-to-start';
      readonly code: string | undefined;
      readonly message: string;
      readonly remedy: string | undefined;
    }
  | {
      readonly is: 'prepared';
      readonly digest: string;
      readonly problem: { readonly code: string | undefined; readonly message: string } | undefined;
    }
  | { readonly is: 'measured'; readonly request: number; readonly delta: MeasurementDelta }
  | { readonly is: 'audit'; readonly state: 'writable' | 'failed'; readonly why: string | undefined }
  | { readonly is: 'log'; readonly level: LogLevel; readonly event: string; readonly fields: LogFields }
  | { readonly is: 'differed'; readonly difference: Difference; readonly revision: string }
  | { readonly is: 'drained' };
