import { painter, table } from '../../proxy/cli/render.ts';
import { short } from '../report/figures.ts';
import { oneLine } from '../report/one-line.ts';
import { confidence, fewestRounds, resamples } from '../statistics/rounds.ts';
import type { Change, Comparison, Verdict } from './compare.ts';

const percent = (share: number) => `${Number((share * 100).toPrecision(6))} %`;

/** How it was decided; stands in every output, because a verdict without its method cannot be judged. */
export function methodText(threshold: number): string {
  return `ratio of the medians over rounds, after / before, with a ${percent(confidence)} percentile bootstrap interval of ${resamples} resamples from a fixed seed; changed beyond noise where the interval leaves out 1; a regression where it is slower by more than ${percent(threshold)} too`;
}

export function comparisonText(comparison: Comparison, color: boolean): string {
  const paint = painter(color);
  const paints = { regression: 'red', slower: 'yellow', faster: 'green' } as const;
  const rows = comparison.changes.map((change, index) => {
    const { verdict } = change;
    const said = verdict in paints ? paint(paints[verdict as keyof typeof paints], says[verdict]) : says[verdict];
    return [...who(change, comparison.changes[index - 1]), change.figure, ...amounts(change), said];
  });
  const notes = comparison.doubts.map((line) => paint('yellow', `note: ${line}`));
  const lines = [table(rows, columns, 140), '', `method: ${methodText(comparison.threshold)}`, ...notes];
  const { regressions } = comparison;
  if (regressions.length === 0) lines.push('no regression');
  else lines.push(...regressions.map((line) => paint('red', `regression: ${line}`)));
  return `${lines.join('\n')}\n`;
}

const columns = [
  { title: 'subject', shrinkTo: 16 },
  { title: 'case' },
  { title: 'figure' },
  { title: 'before' },
  { title: 'after' },
  { title: 'ratio' },
  { title: 'interval' },
  { title: 'verdict' },
];

const says: Readonly<Record<Verdict, string>> = {
  regression: 'REGRESSION: slower beyond noise and threshold',
  slower: 'changed beyond noise: slower, within the threshold',
  faster: 'changed beyond noise: faster',
  noise: 'no change that can be told from noise',
  'too few rounds': `too few rounds to tell: ${fewestRounds} are needed in both`,
  'not measured': 'not measured in both',
};

/** Only where it changes from one row to the next. */
function who({ subject, case: of }: Change, last: Change | undefined): string[] {
  return last?.subject === subject && last.case === of ? ['', ''] : [oneLine(subject), oneLine(of)];
}

function amounts({ before, after, ratio, interval }: Change): string[] {
  return [
    before === null ? '-' : short(before),
    after === null ? '-' : short(after),
    ratio === null ? '-' : `${ratio.toFixed(2)}x`,
    interval === null ? '-' : interval.map((bound) => bound.toFixed(2)).join('..'),
  ];
}
