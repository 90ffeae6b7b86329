import type { Figure, MemoryPoint, Round, SubjectResult } from '../result.ts';
import { createHistogram } from '../statistics/histogram.ts';
import { orLost, type Subject, type Turn } from '../subject.ts';
import type { Named } from './same-answers.ts';
import { slowestInputs } from './slowest-inputs.ts';

export type Plan = {
  readonly rounds: number;
  /** How long one subject decides in one round, at least once over all inputs. */
  readonly roundMillis: number;
  readonly show: (progress: string) => void;
};

/** Figures of our own engines that are found beside the rounds, such as the slowest rules, by the name of the subject. */
export type Further = ReadonlyMap<string, readonly Figure[]>;

type Running = {
  readonly subject: Subject;
  readonly times: number;
  readonly turns: Turn[];
  readonly memory: MemoryPoint[];
};

/** Everybody decides all inputs in every round, one after the other: a machine that slows down slows them all. Throws ProxyError. */
export async function measureCase(
  name: string,
  subjects: readonly Subject[],
  inputs: readonly Named[],
  plan: Plan,
  further: Further,
): Promise<readonly SubjectResult[]> {
  const running: Running[] = [];
  for (const subject of subjects) {
    plan.show(`${name} warming up: ${subject.name}`);
    running.push({ subject, times: await repetitions(subject, plan), turns: [], memory: [] });
  }
  const began = performance.now();
  for (let round = 1; round <= plan.rounds; round++) {
    // There and back: whoever comes last in one round comes first in the next.
    for (const { subject, times, turns, memory } of round % 2 === 1 ? running : running.toReversed()) {
      plan.show(`${name} round ${round} of ${plan.rounds}: ${subject.name}`);
      const turn = await orLost(subject, subject.turn(times));
      turns.push(turn);
      const { residentBytes } = turn;
      if (residentBytes !== null) memory.push({ atMs: Math.round(performance.now() - began), residentBytes });
    }
  }
  const results: SubjectResult[] = [];
  for (const { subject, turns, memory } of running) {
    plan.show(`${name} stages: ${subject.name}`);
    const { latency, rounds } = counted(turns);
    const found = further.get(subject.name);
    const extra = found === undefined ? [] : [...found, ...slowestInputs(turns, inputs)];
    const stages = await orLost(subject, subject.stages());
    results.push({ name: subject.name, case: name, about: subject.about, rounds, latency, stages, memory, extra });
  }
  return results;
}

/** Warms up until a turn is no faster than those before, and finds how often all inputs fit into a round. */
async function repetitions(subject: Subject, { roundMillis }: Plan): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let times = 1; ; ) {
    const began = performance.now();
    const { p50 } = counted([await orLost(subject, subject.turn(times))]).latency;
    const took = performance.now() - began;
    if (took < roundMillis / 4) times *= 2;
    else if (p50 > best * 0.9) return Math.max(1, Math.round((times * roundMillis) / took));
    best = Math.min(best, p50);
  }
}

function counted(turns: readonly Turn[]): Pick<SubjectResult, 'latency' | 'rounds'> {
  const all = createHistogram();
  const rounds = turns.map(({ micros, cpuMicros }): Round => {
    const one = createHistogram();
    let sum = 0;
    for (const each of micros) {
      one.record(each);
      sum += each;
    }
    all.merge(one);
    return {
      operations: micros.length,
      failures: 0,
      p50: one.at(0.5),
      p99: one.at(0.99),
      cpu: cpuMicros === null ? null : cpuMicros / micros.length,
      perSecond: micros.length / (sum / 1e6),
    };
  });
  return { latency: all.latency(), rounds };
}
