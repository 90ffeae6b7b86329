import { isSameSvid } from '../../certs/sources/own-svid.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { Clock } from '../clock.ts';
import { lastCallLooks, sweepMs } from '../connection-host.ts';

/** An SVID of ours, for the connections that are opened under it. */
export type OwnSvid = {
  readonly notAfterMs: number;
  /** Undefined while it is the newest. */
  readonly replaced: Replaced | undefined;
};

export type Replaced = {
  /** Monotonic milliseconds. */
  readonly atMs: number;
  /** How much of its life it had left. */
  readonly restMs: number;
};

export type OwnSvids = {
  /** The newest; each handshake that begins uses it, and keeps it. */
  readonly current: () => OwnSvid;
  readonly replaceBy: (svid: SvidMaterial) => void;
};

/** The SVIDs that this thread has had: one that is replaced is known as such to the connections opened under it. */
export function ownSvids(first: SvidMaterial, { nowMs, monotonicMs }: Pick<Clock, 'nowMs' | 'monotonicMs'>): OwnSvids {
  let material = first;
  let current = newest(first);
  return {
    current: () => current,
    replaceBy: (svid) => {
      // The one that a thread was started with is sent to it once more.
      if (isSameSvid(svid, material)) return;
      current.replaced = { atMs: monotonicMs(), restMs: Math.max(0, current.notAfterMs - nowMs()) };
      material = svid;
      current = newest(svid);
    },
  };
}

const newest = ({ notAfterMs }: SvidMaterial): OwnSvid & { replaced: Replaced | undefined } => ({
  notAfterMs,
  replaced: undefined,
});

/** At its beginning the SVID changes in every thread, at its end what is under way finishes. */
const marginShare = 0.1;
/** What an idle connection takes to end: a look that begins its last call, its looks, and one more for a busy thread. */
const lastCallMs = (lastCallLooks + 2) * sweepMs;

/**
 * How long after its SVID was replaced a connection asks for its end. Evenly spread, because a rotation concerns all
 * connections at once, and each that comes back costs a handshake; `random` is from 0 up to 1 and stays that of the connection.
 */
export function drainDelayMs({ restMs }: Replaced, drainAfterRotationMs: number, random: number): number {
  const wholeMs = Math.min(drainAfterRotationMs, restMs);
  const margin = wholeMs * marginShare;
  const latest = Math.max(0, wholeMs - Math.max(margin, lastCallMs));
  const earliest = Math.min(margin, latest);
  return earliest + (latest - earliest) * random;
}
