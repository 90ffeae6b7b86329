import { afterDelay, type Schedule } from '../../certs/sources/schedule.ts';

/** Something that is fetched again and again. */
export type Source<T> = {
  /** What it is called, in log, metric and audit too; no other has it. */
  readonly name: string;
  /** What it is: with another definition it is another source, and nothing of the old one holds. */
  readonly definition: string;
  /** How it is fetched: with another manner it is fetched anew, and what there is stays until then. */
  readonly manner: string;
  /** Throws when nothing came, or what came is not good; `before` is what is in use. */
  readonly fetch: (signal: AbortSignal, before: T | undefined) => Promise<T>;
  /** How long a fetched value is good enough not to ask again. */
  readonly restMs: (value: T) => number;
  /** From then on it is not used any more, whether or not there is another; Infinity for what says so itself. */
  readonly endMs: (value: T, fetchedMs: number) => number;
};

export type Fetched<T> = {
  /** From here on these sources and no others; resolves when each has been tried once. */
  readonly follow: (sources: readonly Source<T>[]) => Promise<void>;
  /** What is in use, by the name of its source; undefined before the first and after its end. */
  readonly get: (name: string) => T | undefined;
  /** Somebody misses something that may have come since: asked for at once, but never sooner than five seconds after the last time. */
  readonly ask: (name: string) => void;
  readonly close: () => void;
};

export type FetchedOptions<T> = {
  readonly nowMs: () => number;
  readonly same: (one: T, other: T) => boolean;
  /** Something else is in use than before. */
  readonly changed: (source: Source<T>, value: T | undefined) => void;
  readonly outcome: (source: Source<T>, problem: unknown) => void;
  readonly schedule?: Schedule;
  readonly random?: () => number;
};

const firstRetryMs = 1000;
const maxRetryMs = 300_000;
const minAskMs = 5000;
/** A fleet must not ask in step. */
const jitterShare = 0.1;
/** A timer cannot be set for more than 24 days, and stands still while a machine sleeps. */
const maxTimerMs = 3_600_000;

/** Fetches each source by itself, never twice at once, ever less often while it fails; a failure keeps what there is until its end. */
export function keepFetched<T>(options: FetchedOptions<T>): Fetched<T> {
  const kept = new Map<string, ReturnType<typeof keepOne<T>>>();
  return {
    follow: async (sources) => {
      for (const [name, { close }] of kept) {
        if (sources.some((source) => source.name === name)) continue;
        close();
        kept.delete(name);
      }
      for (const source of sources) {
        const before = kept.get(source.name);
        const same = before?.source.definition === source.definition;
        if (same && before.source.manner === source.manner) continue;
        before?.close();
        kept.set(source.name, keepOne(source, options, same ? before.held() : undefined));
      }
      await Promise.all([...kept.values()].map(({ tried }) => tried));
    },
    get: (name) => kept.get(name)?.get(),
    ask: (name) => kept.get(name)?.ask(),
    close: () => {
      for (const { close } of kept.values()) close();
      kept.clear();
    },
  };
}

type Held<T> = { readonly value: T; readonly fetchedMs: number };

function keepOne<T>(source: Source<T>, options: FetchedOptions<T>, before?: Held<T>) {
  const { nowMs, random = Math.random, schedule = afterDelay } = options;
  const ending = new AbortController();
  let held = before;
  let failures = 0;
  let underWay: Promise<void> | undefined;
  let beganMs = Number.NEGATIVE_INFINITY;
  let nextMs = Number.POSITIVE_INFINITY;
  let cancelNext = () => {};
  let cancelEnd = () => {};
  const use = (value: T) => {
    const last = held?.value;
    held = { value, fetchedMs: nowMs() };
    watchEnd();
    if (last === undefined || !options.same(last, value)) options.changed(source, value);
  };
  const watchEnd = () => {
    cancelEnd();
    if (held === undefined) return;
    const leftMs = source.endMs(held.value, held.fetchedMs) - nowMs();
    if (leftMs === Number.POSITIVE_INFINITY) return;
    if (leftMs > 0) return void (cancelEnd = schedule(Math.min(leftMs, maxTimerMs), watchEnd));
    held = undefined;
    options.changed(source, undefined);
  };
  const attempt = async () => {
    beganMs = nowMs();
    const [result] = await Promise.allSettled([source.fetch(ending.signal, held?.value)]);
    if (ending.signal.aborted) return;
    failures = result.status === 'fulfilled' ? 0 : failures + 1;
    options.outcome(source, result.status === 'fulfilled' ? undefined : result.reason);
    if (result.status === 'fulfilled') use(result.value);
    const waitMs = result.status === 'fulfilled' ? source.restMs(result.value) : retryMs(failures);
    plan(Math.min(waitMs, maxTimerMs) * (1 - jitterShare * random()));
  };
  const fetchNow = () => {
    cancelNext();
    underWay ??= attempt().finally(() => (underWay = undefined));
    return underWay;
  };
  const plan = (waitMs: number) => {
    cancelNext();
    nextMs = nowMs() + waitMs;
    cancelNext = schedule(waitMs, () => void fetchNow());
  };
  watchEnd();
  return {
    source,
    held: () => held,
    tried: fetchNow(),
    get: () => held?.value,
    ask: () => {
      const soonestMs = Math.max(nowMs(), beganMs + minAskMs);
      if (underWay === undefined && soonestMs < nextMs) plan(soonestMs - nowMs());
    },
    close: () => {
      ending.abort();
      cancelNext();
      cancelEnd();
    },
  };
}

function retryMs(failures: number): number {
  return Math.min(maxRetryMs, firstRetryMs * 2 ** (failures - 1));
}
