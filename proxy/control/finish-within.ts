import type { HeartbeatMemory } from '../data/heartbeat.ts';
import { watchPulse } from './watchdog.ts';

/** The data threads, as far as their end is concerned. */
export type Finishing = {
  readonly heartbeats: ReadonlyMap<number, HeartbeatMemory>;
  readonly drain: () => Promise<void>;
  readonly breakOff: () => void;
  /** Ends one wherever it is, or all of them. */
  readonly terminate: (thread?: number) => void;
};

/**
 * What a thread may take to record what was broken off: thousands of exchanges take seconds where others want the processor
 * too. Without a sign of life it is stuck, and is ended wherever it is.
 */
const obedience = { silentMs: 2000, mostMs: 10_000 } as const;

/** Resolves to whether everything has finished by then. Whatever has not is broken off, but still gets its record. */
export async function finishWithin(
  plane: Finishing,
  withinMs: number,
  { silentMs, mostMs }: { readonly silentMs: number; readonly mostMs: number } = obedience,
): Promise<boolean> {
  let finished = true;
  const stops: (() => void)[] = [];
  const breakOff = () => {
    finished = false;
    plane.breakOff();
    const stuck = watchPulse(
      silentMs,
      () => plane.heartbeats,
      (thread) => plane.terminate(thread),
    );
    const late = setTimeout(() => plane.terminate(), mostMs);
    stops.push(stuck.stop, () => clearTimeout(late));
  };
  const timer = setTimeout(breakOff, withinMs);
  stops.push(() => clearTimeout(timer));
  await plane.drain();
  for (const stop of stops) stop();
  return finished;
}
