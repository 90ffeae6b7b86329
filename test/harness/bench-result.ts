import type { BenchResult, Round, SubjectResult } from '../../bench/result.ts';

/** A result as a command would write it, with everything that can be in one. Same words, same figures. */
export function benchResult(change: Partial<BenchResult> = {}): BenchResult {
  return {
    format: 'portcullis-bench/1',
    command: 'policy',
    scenario: 'an attribute-based policy, 64 inputs',
    startedAt: '2026-11-20T10:00:00.000Z',
    machine: {
      cpu: 'A processor',
      cores: 2,
      memoryBytes: 8 * 1024 ** 3,
      kernel: 'Linux 6.1.0',
      node: '26.10.0',
      portcullis: '0.1.0',
      foreignLoad: 0.02,
    },
    subjects: ['100 rules', '1000 rules'].flatMap((of, size) => [
      benchSubject({ name: 'portcullis, plan', case: of }, 3 + size),
      benchSubject({ name: 'stock SDK', case: of }, 20 * (1 + 5 * size)),
    ]),
    notes: ['OPA was not found: name it with --with opa=PATH'],
    ...change,
  };
}

/** About `micros` at the median, in rounds that differ a little. */
export function benchSubject(change: Partial<SubjectResult>, micros: number, rounds = 7): SubjectResult {
  const shares = [...Array.from({ length: 100 }, (_, percent) => percent / 100), 0.995, 0.999, 0.9995, 1];
  const at = (share: number) => Number((micros * (0.8 + 0.2 / (1.0004 - share) ** 0.4)).toFixed(3));
  return {
    name: 'portcullis',
    case: '',
    about: 'version 1',
    rounds: Array.from({ length: rounds }, (_, index) => benchRound(micros * (1 + ((index * 3) % 7) / 300))),
    latency: {
      p50: at(0.5),
      p90: at(0.9),
      p99: at(0.99),
      p999: at(0.999),
      max: at(1),
      distribution: shares.map((share) => [share, at(share)] as const),
    },
    stages: [
      { name: 'input', micros: micros / 4 },
      { name: 'evaluation', micros: micros / 2 },
      { name: 'result', micros: micros / 8 },
    ],
    memory: [0, 500, 1000, 1500].map((atMs) => ({ atMs, residentBytes: 6e7 + atMs * micros * 100 })),
    extra: [{ name: 'slowest rule, deny', value: micros / 5, unit: 'microseconds' }],
    ...change,
  };
}

function benchRound(micros: number): Round {
  return {
    operations: 10_000,
    failures: 0,
    p50: micros,
    p99: micros * 4,
    cpu: micros * 1.1,
    perSecond: 1e6 / micros,
  };
}
