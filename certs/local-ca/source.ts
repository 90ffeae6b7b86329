import type { SpiffeId } from '../spiffe-id.ts';
import type { SvidMaterial, SvidSource } from '../svid-source.ts';
import type { CaEvent } from './events.ts';
import type { LocalCa } from './local-ca.ts';

/** Calls back after the delay, without keeping the process alive; returns how to cancel. */
export type Schedule = (delayMs: number, run: () => void) => () => void;

export type LocalCaSourceOptions = {
  readonly spiffeId: SpiffeId;
  readonly lifetimeMs: number;
  readonly dnsNames?: readonly string[];
  readonly now: () => number;
  readonly onEvent?: (event: CaEvent) => void;
  /** From 0 up to 1, so that a fleet does not renew in step. */
  readonly random?: () => number;
  readonly schedule?: Schedule;
};

/** A timer stands still while a machine sleeps, the clock does not: the due time is looked at this often. */
const lookMs = 30_000;
const minRetryMs = 1000;

/** An SVID of the local CA that renews itself at half its life. Throws CertsError when there is none to begin with. */
export async function localCaSource(ca: LocalCa, options: LocalCaSourceOptions): Promise<SvidSource> {
  const { spiffeId, lifetimeMs, dnsNames = [], now, onEvent, random = Math.random, schedule = afterDelay } = options;
  const obtain = () => ca.issue({ spiffeId, lifetimeMs, dnsNames });
  const listeners = new Set<(svid: SvidMaterial) => void>();
  let svid = await obtain();
  let dueMs = renewalTime(svid, random);
  let cancel: () => void;
  let closed = false;

  const accept = (next: SvidMaterial) => {
    const previousSerial = svid.serial;
    const { serial, notAfterMs } = next;
    svid = next;
    dueMs = renewalTime(next, random);
    onEvent?.({ type: 'identity.rotate', spiffeId, previousSerial, serial, notAfterMs });
    // In its own task: a listener that throws is a bug of its owner, which must surface and not end the renewals.
    for (const listener of listeners) queueMicrotask(() => listener(next));
  };
  const keep = (error: unknown) => {
    const { serial, notAfterMs } = svid;
    const message = error instanceof Error ? error.message : String(error);
    dueMs = now() + Math.max(minRetryMs, lifetimeMs / 60);
    onEvent?.({ type: 'identity.refresh-failed', spiffeId, serial, notAfterMs, message });
  };
  const look = async () => {
    try {
      const next = now() < dueMs ? undefined : await obtain();
      if (next !== undefined && !closed) accept(next);
    } catch (error) {
      if (!closed) keep(error);
    }
    if (!closed) wait();
  };
  const wait = () => {
    cancel = schedule(Math.max(0, Math.min(dueMs - now(), lookMs)), () => void look());
  };
  wait();
  return {
    current: () => svid,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => {
      closed = true;
      listeners.clear();
      cancel();
    },
  };
}

/** Between 45 and 55 percent of the life, so that there is time for many attempts before the end. */
function renewalTime({ notBeforeMs, notAfterMs }: SvidMaterial, random: () => number): number {
  return notBeforeMs + (notAfterMs - notBeforeMs) * (0.45 + 0.1 * random());
}

function afterDelay(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
