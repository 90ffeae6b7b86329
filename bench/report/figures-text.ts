import { table } from '../../proxy/cli/render.ts';
import { byCase, ratioText, referenceOf, short } from './figures.ts';
import type { BenchResult, SubjectResult } from '../result.ts';

/** What a subject was found to take besides time, next to the first one of its case; nothing of cases that have no such figure. */
export function figuresText(result: BenchResult, width: number): string {
  return [...byCase(result)]
    .filter(([, subjects]) => subjects.some(({ extra }) => extra.length > 0))
    .map(([name, subjects]) => {
      const names = [...new Set(subjects.flatMap(({ extra }) => extra.map(title)))];
      const rows = subjects.map((subject) => [subject.name, ...names.map((each) => cell(subject, each, result))]);
      return `${name}\n${table(rows, [{ title: '' }, ...names.map((each) => ({ title: each }))], width)}\n`;
    })
    .join('\n');
}

const title = ({ name, unit }: SubjectResult['extra'][number]) => `${name}, ${unit}`;

function cell(subject: SubjectResult, wanted: string, result: BenchResult): string {
  const valueOf = (of: SubjectResult) => of.extra.find((figure) => title(figure) === wanted)?.value;
  const value = valueOf(subject);
  if (value === undefined) return '-';
  const reference = referenceOf(subject, result, valueOf);
  const ratio = ratioText(value, reference && valueOf(reference));
  return ratio === '' ? short(value) : `${short(value)} (${ratio})`;
}
