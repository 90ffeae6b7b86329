import type { BenchResult, SubjectResult } from '../../result.ts';
import type { Spread } from '../../statistics/rounds.ts';
import { byCase, ratioText, referenceOf, short, spreadOf } from '../figures.ts';
import { html, type Markup, trusted } from './markup.ts';

/** Every figure of the result, each with its ratio to the first subject of its case, and exact in the `value` of its element. */
export function figuresTables(result: BenchResult): Markup {
  return html`${[...byCase(result)].map(([name, subjects]) => caseTable(name, subjects, result))}`;
}

function caseTable(name: string, subjects: readonly SubjectResult[], result: BenchResult): Markup {
  return html`<div class="scroll"><table class="figures">
<caption>${name === '' ? result.scenario : name}</caption>
<thead><tr><th scope="col">microseconds</th>${columns.map(({ title }) => html`<th scope="col">${title}</th>`)}</tr></thead>
<tbody>${subjects.map((subject) => subjectRow(subject, result))}</tbody>
</table></div>
${furtherTable(subjects, result)}`;
}

type Column = {
  readonly title: string;
  readonly key: string;
  readonly of: (subject: SubjectResult) => number | undefined;
  readonly spread?: (subject: SubjectResult) => Spread | undefined;
  /** Counts are no measure of speed, so they have no ratio. */
  readonly plain?: true;
};

function overRounds(title: string, key: 'p50' | 'p99' | 'cpu' | 'perSecond'): Column {
  const spread = ({ rounds }: SubjectResult) => spreadOf(rounds, (round) => round[key]);
  return { title, key, spread, of: (subject) => spread(subject)?.median };
}

const sum = (key: 'operations' | 'failures') => (subject: SubjectResult) =>
  subject.rounds.reduce((total, round) => total + round[key], 0);

const columns: readonly Column[] = [
  overRounds('p50', 'p50'),
  { title: 'p90', key: 'p90', of: ({ latency }) => latency.p90 },
  overRounds('p99', 'p99'),
  { title: 'p99.9', key: 'p999', of: ({ latency }) => latency.p999 },
  { title: 'longest', key: 'max', of: ({ latency }) => latency.max },
  overRounds('CPU', 'cpu'),
  overRounds('per second', 'perSecond'),
  { title: 'operations', key: 'operations', of: sum('operations'), plain: true },
  { title: 'failures', key: 'failures', of: sum('failures'), plain: true },
  { title: 'rounds', key: 'rounds', of: ({ rounds }) => rounds.length, plain: true },
];

function subjectRow(subject: SubjectResult, result: BenchResult): Markup {
  const about = subject.about === '' ? html`` : html`<br><small>${subject.about}</small>`;
  return html`<tr><th scope="row">${subject.name}${about}</th>${columns.map((column) =>
    cell(column, subject, referenceOf(subject, result, column.of)),
  )}</tr>
`;
}

function cell(column: Column, subject: SubjectResult, reference: SubjectResult | undefined): Markup {
  const value = column.of(subject);
  if (value === undefined) return html`<td>not measured</td>`;
  const shown = html`<data value="${value}">${column.plain ? String(value) : short(value)}</data>`;
  const ratio = column.plain || reference === undefined ? '' : ratioText(value, column.of(reference));
  const spread = column.spread?.(subject);
  const apart = spread === undefined ? '' : `${short(spread.min)}..${short(spread.max)}`;
  return html`<td data-subject="${subject.name}" data-case="${subject.case}" data-figure="${column.key}">${shown}<small>${ratio}</small><small>${apart}</small></td>`;
}

type Further = { readonly what: string; readonly unit: string; readonly value: number };

/** One row for each figure, one column for each subject, so that what is compared stands side by side. */
function furtherTable(subjects: readonly SubjectResult[], result: BenchResult): Markup {
  const further = subjects.map((subject) => ({ subject, figures: furtherFigures(subject) }));
  const names = new Map(further.flatMap(({ figures }) => figures.map((each) => [each.what, each.unit] as const)));
  if (names.size === 0) return html``;
  return html`<details${trusted(names.size > fewRows ? '' : ' open')}><summary>Further figures</summary>
<div class="scroll"><table class="figures">
<thead><tr><th scope="col">further figures</th>${subjects.map(({ name }) => html`<th scope="col">${name}</th>`)}</tr></thead>
<tbody>${[...names].map(
    ([what, unit]) => html`<tr><th scope="row">${what}, ${unit}</th>${further.map(({ subject, figures }) => {
      const reference = referenceOf(subject, result, (of) => valueOf(furtherFigures(of), what));
      const compared = reference === undefined ? [] : furtherFigures(reference);
      return furtherCell(subject, valueOf(figures, what), valueOf(compared, what), what);
    })}</tr>
`,
  )}</tbody></table></div></details>
`;
}

/** More of them are folded away, until the page is printed. */
const fewRows = 12;

const valueOf = (figures: readonly Further[], what: string) => figures.find((each) => each.what === what)?.value;

function furtherCell(
  { name, case: of }: SubjectResult,
  value: number | undefined,
  reference: number | undefined,
  what: string,
): Markup {
  if (value === undefined) return html`<td>–</td>`;
  const shown = html`<data value="${value}">${short(value)}</data> <small>${ratioText(value, reference)}</small>`;
  return html`<td data-subject="${name}" data-case="${of}" data-figure="${what}">${shown}</td>`;
}

function furtherFigures({ stages, extra, memory }: SubjectResult): Further[] {
  const resident = memory.map(({ residentBytes }) => residentBytes / 1e6);
  const most = resident.reduce((largest, each) => Math.max(largest, each), 0);
  const remembered = [resident.at(0), most, resident.at(-1)].filter((value) => value !== undefined);
  return [
    ...stages.map(({ name, micros }) => ({ what: `time in ${name}`, unit: 'microseconds', value: micros })),
    ...extra.map(({ name, value, unit }) => ({ what: name, unit, value })),
    ...(resident.length === 0 ? [] : remembered).map((value, index) => ({
      what: `memory at ${['first', 'most', 'last'][index] ?? ''}`,
      unit: 'MB',
      value,
    })),
  ];
}
