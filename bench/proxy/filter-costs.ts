import type { SubjectResult } from '../result.ts';
import { spread } from '../statistics/rounds.ts';

/**
 * What each rung takes more than the one before it, as the middle of the differences within a round: both were under load in the same
 * seconds. Below zero it is noise, and shown all the same.
 */
export function withCosts(rungs: readonly SubjectResult[]): readonly SubjectResult[] {
  return rungs.map((rung, index) => {
    const costs = differences(rungs[index - 1], rung);
    if (costs.length === 0) return rung;
    const { median, min, max } = spread(costs);
    const figure = (name: string, value: number) => ({ name, value: Number(value.toFixed(1)), unit: 'us of CPU' });
    const range = [figure('least of all rounds', min), figure('most of all rounds', max)];
    return { ...rung, extra: [...rung.extra, figure('this filter', median), ...range] };
  });
}

function differences(before: SubjectResult | undefined, { rounds }: SubjectResult): readonly number[] {
  return rounds.flatMap(({ cpu }, index) => {
    const without = before?.rounds[index]?.cpu ?? null;
    return cpu === null || without === null ? [] : [cpu - without];
  });
}
