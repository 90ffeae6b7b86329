import { isSameSvid } from '../../certs/sources/own-svid.ts';
import type { SvidMaterial } from '../../certs/sources/svid-source.ts';
import type { Clock } from '../clock.ts';

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

/** Not before the SVID has changed in every thread, nor so late that nothing can finish. */
const firstShare = 0.1;
const lastShare = 0.9;

/**
 * How long after its SVID was replaced a connection asks for its end. Evenly spread, because a rotation concerns all
 * connections at once, and each that comes back costs a handshake; `random` is from 0 up to 1 and stays that of the connection.
 */
export function drainDelayMs({ restMs }: Replaced, drainAfterRotationMs: number, random: number): number {
  return Math.min(drainAfterRotationMs, restMs) * (firstShare + (lastShare - firstShare) * random);
}
