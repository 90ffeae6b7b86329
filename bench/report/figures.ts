import type { BenchResult, Round, SubjectResult } from '../result.ts';
import { type Spread, spread } from '../statistics/rounds.ts';

/** Undefined where one round has no such figure. */
export function spreadOf(rounds: readonly Round[], figure: (round: Round) => number | null): Spread | undefined {
  const values = rounds.map(figure).filter((value) => value !== null);
  if (values.length === 0 || values.length < rounds.length) return undefined;
  return spread(values);
}

/** In the order of the file. */
export function byCase({ subjects }: BenchResult): ReadonlyMap<string, readonly SubjectResult[]> {
  return Map.groupBy(subjects, (subject) => subject.case);
}

/**
 * What a subject is compared with: the first one of its case that has such a figure; a direct connection has no processor time. A
 * subject that is alone with it in its case is compared with itself in the first case, since a figure without a comparison says
 * nothing; undefined when there is nothing to compare with at all.
 */
export function referenceOf(
  subject: SubjectResult,
  { subjects }: BenchResult,
  figure: (of: SubjectResult) => number | undefined = ({ latency }) => latency.p50,
): SubjectResult | undefined {
  const measured = subjects.filter((each) => figure(each) !== undefined);
  const [first, second] = measured.filter((each) => each.case === subject.case);
  if (second !== undefined) return first;
  const elsewhere = measured.filter((each) => each.name === subject.name);
  return elsewhere.length > 1 ? elsewhere[0] : undefined;
}

export function failuresOf({ rounds }: SubjectResult): number {
  return rounds.reduce((sum, { failures }) => sum + failures, 0);
}

/** Three significant digits, without an exponent: figures are read, not computed with. */
export function short(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}

/** Such as `0.17x` or `0.0034x`; empty where there is nothing to divide by. */
export function ratioText(value: number | undefined, reference: number | undefined): string {
  if (value === undefined || reference === undefined || reference === 0) return '';
  const ratio = value / reference;
  return `${ratio >= 0.1 || ratio === 0 ? ratio.toFixed(2) : Number(ratio.toPrecision(2))}x`;
}
