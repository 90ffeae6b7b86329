import { CertsError } from '../errors.ts';
import type { SpiffeId } from '../spiffe-id.ts';
import type { LocalCa } from '../local-ca/local-ca.ts';
import { audience } from './audience.ts';
import type { IdentityEvent } from './events.ts';
import { afterDelay, type Schedule } from './schedule.ts';
import type { SvidMaterial, SvidSource } from './svid-source.ts';

export type LocalCaSourceOptions = {
  readonly spiffeId: SpiffeId;
  readonly lifetimeMs: number;
  readonly dnsNames?: readonly string[];
  readonly now: () => number;
  readonly onEvent?: (event: IdentityEvent) => void;
  /** From 0 up to 1, so that a fleet does not renew in step. */
  readonly random?: () => number;
  readonly schedule?: Schedule;
};

/** A timer stands still while a machine sleeps, the clock does not: the due time is looked at this often. */
const lookMs = 30_000;
const minRetryMs = 1000;
/** Many attempts have failed by then. */
const overdueShare = 0.8;

/** An SVID of the local CA that renews itself at half its life. Throws CertsError when there is none to begin with. */
export async function localCaSource(ca: LocalCa, options: LocalCaSourceOptions): Promise<SvidSource> {
  const { spiffeId, lifetimeMs, dnsNames = [], now, onEvent, random = Math.random, schedule = afterDelay } = options;
  const obtain = () => ca.issue({ spiffeId, lifetimeMs, dnsNames });
  const { subscribe, tell, forget } = audience();
  let svid = await obtain();
  let obtainedMs = now();
  let dueMs = renewalTime(svid, obtainedMs, random);
  const accept = (next: SvidMaterial) => {
    const previousSerial = svid.serial;
    const { serial, notAfterMs } = next;
    svid = next;
    obtainedMs = now();
    dueMs = renewalTime(next, obtainedMs, random);
    onEvent?.({ type: 'identity.rotate', spiffeId, previousSerial, serial, notAfterMs });
    tell(next);
  };
  const keep = (error: unknown) => {
    const { serial, notAfterMs } = svid;
    const message = error instanceof Error ? error.message : String(error);
    dueMs = now() + Math.max(minRetryMs, lifetimeMs / 60);
    const code = error instanceof CertsError ? error.code : undefined;
    onEvent?.({ type: 'identity.refresh-failed', spiffeId, serial, notAfterMs, code, message });
  };
  const stop = repeatedly(schedule, {
    delayMs: () => Math.max(0, Math.min(dueMs - now(), lookMs)),
    // One that has not begun was issued while the clock was ahead: to everybody else it is no SVID.
    attempt: async () => (now() < dueMs && now() >= svid.notBeforeMs ? undefined : obtain()),
    done: (next) => next && accept(next),
    failed: keep,
  });
  const close = () => {
    stop();
    forget();
  };
  const overdueFromMs = () => obtainedMs + (svid.notAfterMs - obtainedMs) * overdueShare;
  return { current: () => svid, overdueFromMs, subscribe, close };
}

type Repeated<T> = {
  readonly delayMs: () => number;
  readonly attempt: () => Promise<T>;
  readonly done: (result: T) => void;
  readonly failed: (error: unknown) => void;
};

/** One attempt after the other, each with its own delay, until the returned function is called. */
function repeatedly<T>(schedule: Schedule, { delayMs, attempt, done, failed }: Repeated<T>): () => void {
  let stopped = false;
  const turn = async () => {
    const [outcome] = await Promise.allSettled([attempt()]);
    if (stopped) return;
    // Also when the owner's code throws: what it forgot must not end the renewals.
    try {
      if (outcome.status === 'fulfilled') done(outcome.value);
      else failed(outcome.reason);
    } finally {
      cancel = schedule(delayMs(), () => void turn());
    }
  };
  let cancel = schedule(delayMs(), () => void turn());
  return () => {
    stopped = true;
    cancel();
  };
}

/**
 * Between 45 and 55 percent of the life, so that there is time for many attempts before the end. Counted from now, not
 * from notBefore, which is backdated: half of a short life would have passed before it began, and renewal never rest.
 */
function renewalTime({ notAfterMs }: SvidMaterial, nowMs: number, random: () => number): number {
  return nowMs + (notAfterMs - nowMs) * (0.45 + 0.1 * random());
}
