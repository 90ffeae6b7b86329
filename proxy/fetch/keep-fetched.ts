import { afterDelay, backoffMs, type Schedule } from '../../certs/sources/schedule.ts';

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
  /** Begins with these sources beside those in use, of which nothing changes; resolves when each has been tried once. */
  readonly prepare: (sources: readonly Source<T>[]) => Promise<Prepared<T>>;
  /** The same, in use at once. */
  readonly follow: (sources: readonly Source<T>[]) => Promise<void>;
  /** What is in use, by the name of its source; undefined before the first and after its end. */
  readonly get: (name: string) => T | undefined;
  /** Somebody misses something that may have come since: asked for at once, but never sooner than five seconds after the last time. */
  readonly ask: (name: string) => void;
  readonly close: () => void;
};

/** Sources that are in use, and no others, from `commit` on, or never. */
export type Prepared<T> = {
  readonly get: (name: string) => T | undefined;
  readonly commit: () => void;
  readonly rollback: () => void;
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

const retryMs = { first: 1000, most: 300_000 } as const;
const minAskMs = 5000;
/** A fleet must not ask in step. */
const jitterShare = 0.1;
/** A timer cannot be set for more than 24 days, and stands still while a machine sleeps. */
const maxTimerMs = 3_600_000;

/** Fetches each source by itself, never twice at once, ever less often while it fails; a failure keeps what there is until its end. */
export function keepFetched<T>(options: FetchedOptions<T>): Fetched<T> {
  let kept: ReadonlyMap<string, One<T>> = new Map();
  const open = new Set<One<T>>();
  const end = (one: One<T>) => {
    open.delete(one);
    one.close();
  };
  /** Of what is prepared nobody hears before it is in use. */
  const changed = (source: Source<T>, value: T | undefined) => {
    if (kept.get(source.name)?.source === source) options.changed(source, value);
  };
  const begin = (source: Source<T>): One<T> => {
    const before = kept.get(source.name);
    const same = before?.source.definition === source.definition;
    if (same && before.source.manner === source.manner) return before;
    const one = keepOne(source, { ...options, changed }, same ? before.held() : undefined);
    open.add(one);
    return one;
  };
  const commit = (next: typeof kept) => {
    const before = kept;
    kept = next;
    for (const one of before.values()) if (next.get(one.source.name) !== one) end(one);
    for (const { source, get } of next.values()) {
      const [last, value] = [before.get(source.name)?.get(), get()];
      const same = last === value || (last !== undefined && value !== undefined && options.same(last, value));
      if (!same) options.changed(source, value);
    }
  };
  const prepare = async (sources: readonly Source<T>[]): Promise<Prepared<T>> => {
    const next = new Map(sources.map((source) => [source.name, begin(source)]));
    await Promise.all([...next.values()].map(({ tried }) => tried));
    return {
      get: (name) => next.get(name)?.get(),
      commit: () => commit(next),
      rollback: () => {
        for (const one of next.values()) if (kept.get(one.source.name) !== one) end(one);
      },
    };
  };
  return {
    prepare,
    follow: async (sources) => (await prepare(sources)).commit(),
    get: (name) => kept.get(name)?.get(),
    ask: (name) => kept.get(name)?.ask(),
    close: () => {
      kept = new Map();
      for (const one of open) end(one);
    },
  };
}

type One<T> = ReturnType<typeof keepOne<T>>;
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
    const waitMs = result.status === 'fulfilled' ? source.restMs(result.value) : backoffMs(failures, retryMs);
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
