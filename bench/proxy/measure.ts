import { ProxyError } from '../../proxy/errors.ts';
import type { LoadOutcome } from '../load/tally.ts';
import { cpuSeconds, residentBytes } from '../process.ts';
import type { Figure, MemoryPoint, Round, Stage, SubjectResult } from '../result.ts';
import { createHistogram, decodeHistogram, type LatencyHistogram } from '../statistics/histogram.ts';
import type { MeasuredProxy } from './measured-proxy.ts';

/** Somebody under load, in a comparison. */
export type Contender = {
  readonly name: string;
  readonly about: string;
  /** Undefined for a connection past every proxy. */
  readonly proxy: MeasuredProxy | undefined;
  /** One turn of this load; `warmUp` is shorter and not counted. */
  readonly load: (warmUp: boolean) => Promise<LoadOutcome>;
};

export type Case = {
  readonly name: string;
  readonly contenders: readonly Contender[];
  readonly rounds: number;
  /** Further figures from what was found. */
  readonly extra?: (result: Pick<SubjectResult, 'rounds'>) => readonly Figure[];
  readonly show: (progress: string) => void;
};

export type Measured = { readonly subjects: readonly SubjectResult[]; readonly notes: readonly string[] };

type Running = {
  readonly contender: Contender;
  readonly rounds: Round[];
  readonly latencies: LatencyHistogram;
  readonly memory: MemoryPoint[];
  stages: readonly Stage[];
};

/** Above this the generator's own lateness is worth a note. */
const notableLagMicros = 1000;

/** Rounds are interleaved: a machine that slows down slows everybody. Throws ProxyError when somebody goes away. */
export async function measureCase({ name, contenders, rounds, extra, show }: Case): Promise<Measured> {
  const title = name === '' ? '' : `${name}, `;
  const running = contenders.map((contender): Running => {
    return { contender, rounds: [], latencies: createHistogram(), memory: [], stages: [] };
  });
  const beganMs = performance.now();
  let lagP99 = 0;
  const before = new Map<Running, Awaited<ReturnType<MeasuredProxy['stages']>>>();
  for (let round = 0; round <= rounds; round++) {
    // There and back: whoever comes last in one round comes first in the next.
    for (const one of round % 2 === 1 ? running : running.toReversed()) {
      const { contender } = one;
      show(`${title}${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}: ${contender.name}`);
      const outcome = await turn(one, title, round === 0, beganMs);
      if (round > 0 && outcome.unreached !== undefined) {
        return { subjects: [], notes: [`${title}${contender.name}: ${outcome.unreached}; no latency is shown`] };
      }
      if (round > 0) lagP99 = Math.max(lagP99, outcome.lagP99);
      else if (contender.proxy !== undefined) before.set(one, await contender.proxy.stages());
    }
  }
  for (const one of running) one.stages = await stagesOf(one, before.get(one));
  const subjects = running.map((one) => resultOf(name, one, extra));
  return { subjects, notes: lagP99 > notableLagMicros ? [lagNote(title, lagP99)] : [] };
}

async function turn(running: Running, title: string, warmUp: boolean, beganMs: number): Promise<LoadOutcome> {
  const { contender, rounds, latencies, memory } = running;
  const pid = contender.proxy?.pid;
  const cpuBefore = pid === undefined ? 0 : cpuSeconds(pid);
  const outcome = await contender.load(warmUp);
  const { answered, failed, elapsedMs, lost } = outcome;
  if (lost !== undefined) throw targetLost(`${title}${contender.name}`, outcome);
  if (answered === 0 && failed > 0)
    throw targetLost(`${title}${contender.name}`, { ...outcome, lost: reasons(outcome) });
  if (warmUp || outcome.unreached !== undefined) return outcome;
  const found = decodeHistogram(outcome.latencies);
  latencies.merge(found);
  const cpu = pid === undefined || answered === 0 ? null : ((cpuSeconds(pid) - cpuBefore) * 1e6) / answered;
  const perSecond = (answered * 1000) / elapsedMs;
  rounds.push({ operations: answered, failures: failed, p50: found.at(0.5), p99: found.at(0.99), cpu, perSecond });
  if (pid !== undefined) {
    memory.push({ atMs: Math.round(performance.now() - beganMs), residentBytes: residentBytes(pid) });
  }
  return outcome;
}

/** A round in which everything failed has no latency. */
const reasons = ({ failures }: LoadOutcome) =>
  `nothing was answered as it should be (${Object.keys(failures).join(', ')})`;

function targetLost(who: string, { lost, answered, failed }: LoadOutcome): ProxyError {
  const message = `${who}: ${lost} after ${answered} answers of this round; ${failed} requests failed or got no answer`;
  return new ProxyError('bench-target-lost', message);
}

/**
 * The proxy's own counters say what each stage took of a request. What is left of the latency is spent outside them: TLS, reading
 * the head, the record, the way back, and the generator.
 */
async function stagesOf({ contender, latencies }: Running, before: ReadonlyMap<string, StageSum> | undefined) {
  if (contender.proxy === undefined || latencies.count() === 0) return [];
  const stages: Stage[] = [];
  for (const [name, { seconds, requests }] of await contender.proxy.stages()) {
    const then = before?.get(name) ?? { seconds: 0, requests: 0 };
    if (requests > then.requests) {
      stages.push({ name, micros: ((seconds - then.seconds) * 1e6) / (requests - then.requests) });
    }
  }
  const inside = stages.reduce((sum, { micros }) => sum + micros, 0);
  return [...stages, { name: 'outside the stages', micros: Math.max(0, latencies.mean() - inside) }];
}

type StageSum = { readonly seconds: number; readonly requests: number };

function resultOf(name: string, one: Running, extra: Case['extra']): SubjectResult {
  const { contender, rounds, latencies, stages, memory } = one;
  const latency = latencies.latency();
  const figures = extra?.({ rounds }) ?? [];
  return { name: contender.name, case: name, about: contender.about, rounds, latency, stages, memory, extra: figures };
}

function lagNote(title: string, lagP99: number): string {
  const late = `${(lagP99 / 1000).toFixed(1)} ms`;
  return `${title}the generator itself sent one in a hundred ${late} or more after it was due, which is part of the latencies`;
}
