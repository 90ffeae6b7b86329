/** Version of the shape of a result file. A file of another version is refused, never guessed at. */
export const resultFormat = 'portcullis-bench/1';

/**
 * What one run of a benchmark found. Everything that is compared was measured in this one run, its rounds interleaved, on this one
 * machine; two files are comparable only when `command`, `scenario` and the names of their subjects are the same.
 */
export type BenchResult = {
  readonly format: typeof resultFormat;
  /** Which command made it. */
  readonly command: 'policy' | 'proxy' | 'peers';
  /** What was done to each subject, such as `post-1k at 32 connections`. */
  readonly scenario: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly machine: Machine;
  /** In the order in which they are shown. The first one of each case is what the others are compared with. */
  readonly subjects: readonly SubjectResult[];
  /** What could not be measured, and why: a peer that is not installed, a rate that was not reached. */
  readonly notes: readonly string[];
};

export type Machine = {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly node: string;
  readonly portcullis: string;
  /** Share of all cores that others used during the run, 0 to 1; null where the system does not tell. Above 0.1 a warning is printed. */
  readonly foreignLoad: number | null;
};

export type SubjectResult = {
  /** Who was measured, such as `portcullis, plan` or `nginx`. */
  readonly name: string;
  /**
   * On what, when one run has several sizes or rates: a number and what it counts, such as `1000 rules`; the charts draw a curve over
   * them. Fixed rates are `500 per second`. Empty otherwise.
   */
  readonly case: string;
  /** Version and configuration, as far as they matter for reading the figures. */
  readonly about: string;
  /** One for each interleaved round, in their order: the sample that `bench compare` tests. */
  readonly rounds: readonly Round[];
  /** Of all rounds together, in microseconds. */
  readonly latency: Latency;
  /** Mean microseconds that one operation spends in each stage, in the order of the stages. Empty where nothing was broken down. */
  readonly stages: readonly Stage[];
  /** Resident memory in bytes over the run. */
  readonly memory: readonly MemoryPoint[];
  /** Further figures, such as `handshakes per second`, each with its unit. */
  readonly extra: readonly Figure[];
};

export type Round = {
  readonly operations: number;
  readonly failures: number;
  readonly p50: number;
  readonly p99: number;
  /** Microseconds of processor time of the subject's whole process tree for one operation; null where it cannot be told. */
  readonly cpu: number | null;
  /** Operations per second of wall time. */
  readonly perSecond: number;
};

export type Latency = {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** For the curve: pairs of share and microseconds, both rising. */
  readonly distribution: readonly (readonly [share: number, micros: number])[];
};

export type Stage = { readonly name: string; readonly micros: number };
export type MemoryPoint = { readonly atMs: number; readonly residentBytes: number };
export type Figure = { readonly name: string; readonly value: number; readonly unit: string };
