import { painter, table } from '../../proxy/cli/render.ts';
import { oneLine } from '../report/one-line.ts';
import { short } from '../report/figures.ts';
import type { BenchResult } from '../result.ts';

/** The slowest rules and inputs of the user's own policy, below the table. */
export function furtherText({ subjects }: BenchResult, color: boolean): string {
  const sections = subjects
    .filter((subject) => subject.case === '' && subject.extra.length > 0)
    .map((subject) => {
      const rows = subject.extra.map(({ name, value, unit }) => [oneLine(name), short(value), unit]);
      return `\n${painter(color)('bold', oneLine(subject.name))}\n${table(rows, columns, width)}\n`;
    });
  return sections.join('');
}

const width = 120;
const columns = [{ title: 'slowest', shrinkTo: 40 }, { title: '' }, { title: '' }];
