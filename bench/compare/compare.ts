import { ProxyError } from '../../proxy/errors.ts';
import type { BenchResult, Round } from '../result.ts';
import { fewestRounds, ratioInterval, spread } from '../statistics/rounds.ts';
import { doubts, nameOf, type Pair, pairsOf } from './comparable.ts';

export type Verdict =
  /** Slower beyond noise and beyond the threshold: the gate closes. */
  | 'regression'
  | 'slower'
  | 'faster'
  /** No change that can be told from noise. */
  | 'noise'
  | 'too few rounds'
  | 'not measured';

export const figureNames = ['p50', 'p99', 'CPU'] as const;
export type FigureName = (typeof figureNames)[number];

export type Change = {
  readonly subject: string;
  readonly case: string;
  readonly figure: FigureName;
  /** Medians over the rounds, in microseconds. */
  readonly before: number | null;
  readonly after: number | null;
  /** After divided by before, with its interval. */
  readonly ratio: number | null;
  readonly interval: readonly [low: number, high: number] | null;
  readonly verdict: Verdict;
};

export type Comparison = {
  readonly threshold: number;
  readonly changes: readonly Change[];
  /** One line each; none when the gate stays open. */
  readonly regressions: readonly string[];
  readonly doubts: readonly string[];
};

/** `threshold` is a share: 0.05 lets what is 5 % slower pass. Throws ProxyError for results that cannot be compared. */
export function compare(
  before: BenchResult,
  after: BenchResult,
  threshold: number,
  figures: readonly FigureName[] = figureNames,
): Comparison {
  const pairs = pairsOf(before, after);
  const changes = pairs.flatMap((pair) => figures.map((figure) => changeOf(pair, figure, threshold)));
  if (changes.every(({ verdict }) => verdict === 'too few rounds' || verdict === 'not measured')) {
    const fewest = Math.min(...pairs.flatMap((pair) => [pair.before.rounds.length, pair.after.rounds.length]));
    // A gate that cannot see must not look open.
    throw new ProxyError(
      'bench-results-not-comparable',
      `too few rounds to tell anything from noise: ${fewest}, and ${fewestRounds} are needed in both`,
    );
  }
  const slower = changes.filter(({ verdict }) => verdict === 'regression');
  const regressions = [
    ...slower.map(
      (change) =>
        `${nameOf({ name: change.subject, case: change.case })}: ${change.figure} ${change.ratio?.toFixed(2)}x`,
    ),
    ...pairs.flatMap(newFailures),
  ];
  return { threshold, changes, regressions, doubts: [...doubts(before, after), ...sharedShift(changes)] };
}

const valueIn: Readonly<Record<FigureName, (round: Round) => number | null>> = {
  p50: ({ p50 }) => p50,
  p99: ({ p99 }) => p99,
  CPU: ({ cpu }) => cpu,
};

function changeOf({ before, after }: Pair, figure: FigureName, threshold: number): Change {
  const common = { subject: before.name, case: before.case, figure };
  const nothing = { before: null, after: null, ratio: null, interval: null };
  const [a, b] = [before, after].map(({ rounds }) => rounds.map(valueIn[figure]).filter((value) => value !== null));
  if (a?.length !== before.rounds.length || b?.length !== after.rounds.length) {
    return { ...common, ...nothing, verdict: 'not measured' };
  }
  const medians = { before: spread(a).median, after: spread(b).median };
  const told = ratioInterval(a, b);
  if (told === undefined) {
    const few = Math.min(a.length, b.length) < fewestRounds;
    return { ...common, ...nothing, ...medians, verdict: few ? 'too few rounds' : 'not measured' };
  }
  const { ratio, low, high } = told;
  return { ...common, ...medians, ratio, interval: [low, high], verdict: verdictOn(told, threshold) };
}

function verdictOn({ ratio, low, high }: { ratio: number; low: number; high: number }, threshold: number): Verdict {
  if (low > 1) return ratio > 1 + threshold ? 'regression' : 'slower';
  return high < 1 ? 'faster' : 'noise';
}

/** Whoever fails is quick: failing where nothing failed before is a regression whatever the latencies say. */
function newFailures({ before, after }: Pair): string[] {
  const count = (rounds: readonly Round[]) => rounds.reduce((sum, { failures }) => sum + failures, 0);
  const failed = count(after.rounds);
  return count(before.rounds) === 0 && failed > 0 ? [`${nameOf(after)}: ${failed} operations failed, none before`] : [];
}

/** Several subjects rarely change together: then it was the machine that did. */
function sharedShift(changes: readonly Change[]): string[] {
  const subjects = new Set(changes.map(({ subject }) => subject));
  const told = changes.filter(({ ratio, figure }) => ratio !== null && figure === 'p50');
  const all = (verdicts: readonly Verdict[]) => told.every(({ verdict }) => verdicts.includes(verdict));
  if (subjects.size < 2 || told.length < 2 || !(all(['regression', 'slower']) || all(['faster']))) return [];
  return ['every subject has changed in the same direction: look for the cause in the machine first'];
}
