import type { LoadOutcome } from '../../load/tally.ts';
import type { Figure, MemoryPoint, Round, SubjectResult } from '../../result.ts';
import { createHistogram, decodeHistogram } from '../../statistics/histogram.ts';
import { addedFigures } from '../added.ts';
import type { Case, Station } from '../scenario.ts';
import { cpuSeconds, residentBytes } from '../../process.ts';

/** One peer, or the workload itself, in one case: its connections are open, and its rounds are gathered here. */
export type Subject = {
  readonly name: string;
  readonly warmUp: () => Promise<void>;
  readonly round: () => Promise<void>;
  readonly close: () => Promise<void>;
  /** Undefined where no round was worth keeping. */
  readonly result: () => SubjectResult | undefined;
  /** Why rounds were not kept. */
  readonly trouble: () => readonly string[];
};

type Parts = {
  readonly name: string;
  readonly about: string;
  /** Of what is measured; none for a direct connection, whose processor time is nobody's. */
  readonly pids: readonly number[];
  readonly one: Case;
  readonly station: Station;
  /** Before its first connection. */
  readonly idleBytes: number;
};

export function createSubject({ name, about, pids, one, station, idleBytes }: Parts): Subject {
  const rounds: Round[] = [];
  const memory: MemoryPoint[] = [];
  const trouble = new Set<string>();
  const withheld: string[] = [];
  const all = createHistogram();
  const beganMs = performance.now();
  const measured = async (): Promise<void> => {
    const before = one.countsFrom === 'start' ? 0 : cpuOf(pids);
    const outcome = await station.round();
    const used = cpuOf(pids) - before;
    memory.push({ atMs: Math.round(performance.now() - beganMs), residentBytes: residentOf(pids) });
    const wrong = outcome.unreached ?? outcome.lost ?? unanswered(outcome);
    if (wrong !== undefined) return void withheld.push(wrong);
    for (const [reason, count] of Object.entries(outcome.failures)) trouble.add(`${count} requests failed: ${reason}`);
    all.merge(decodeHistogram(outcome.latencies));
    rounds.push(roundOf(outcome, pids.length === 0 ? null : used));
  };
  return {
    name,
    warmUp: async () => {
      const { lost } = await (station.warmUp ?? station.round)();
      if (lost !== undefined) throw new Error(lost);
    },
    round: measured,
    close: station.close,
    trouble: () => {
      const [first] = withheld;
      return first === undefined ? [...trouble] : [...trouble, `${withheld.length} rounds not kept: ${first}`];
    },
    result: () => {
      if (rounds.length === 0) return undefined;
      const extra = [...usageFigures(rounds, memory, idleBytes), ...(station.figures?.() ?? [])];
      return { name, case: one.name, about, rounds, latency: all.latency(), stages: [], memory, extra };
    },
  };
}

/** A round in which everything failed has no latency. */
function unanswered({ answered, failures }: LoadOutcome): string | undefined {
  return answered > 0 ? undefined : `nothing was answered as it should be: ${Object.keys(failures).join(', ')}`;
}

/** Of all process trees that work for one peer. */
function cpuOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

export function residentOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
}

function roundOf({ answered, failed, elapsedMs, latencies }: LoadOutcome, used: number | null): Round {
  const own = decodeHistogram(latencies);
  const cpu = used === null || answered === 0 ? null : (used * 1e6) / answered;
  const perSecond = elapsedMs === 0 ? 0 : (answered * 1000) / elapsedMs;
  return { operations: answered, failures: failed, p50: own.at(0.5), p99: own.at(0.99), cpu, perSecond };
}

function usageFigures(rounds: readonly Round[], memory: readonly MemoryPoint[], idleBytes: number): readonly Figure[] {
  const cpus = rounds.flatMap(({ cpu }) => (cpu === null || cpu === 0 ? [] : [cpu])).toSorted((a, b) => a - b);
  const middle = cpus[Math.floor(cpus.length / 2)];
  if (middle === undefined) return [];
  const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20);
  return [
    { name: 'per second of one core', value: Math.round(1e6 / middle), unit: 'operations' },
    { name: 'resident, idle', value: megabytes(idleBytes), unit: 'MiB' },
    {
      name: 'resident, at most',
      value: megabytes(Math.max(...memory.map((point) => point.residentBytes))),
      unit: 'MiB',
    },
  ];
}

export function withAdded(subject: SubjectResult, direct: SubjectResult): SubjectResult {
  return { ...subject, extra: [...addedFigures(subject.latency, direct.latency), ...subject.extra] };
}
