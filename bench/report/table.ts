import { painter, table } from '../../proxy/cli/render.ts';
import { foreignLoadWarning } from '../machine.ts';
import type { BenchResult, SubjectResult } from '../result.ts';
import type { Spread } from '../statistics/rounds.ts';
import { oneLine } from './one-line.ts';
import { byCase, failuresOf, ratioText, referenceOf, short, spreadOf } from './figures.ts';

export type TableOptions = { readonly color: boolean; readonly width?: number };

/**
 * The result for a terminal. Below each subject stands how far its rounds lie apart, and beside each figure its ratio to the first
 * subject of the case: no figure is shown without what it is compared with.
 */
export function resultTable(result: BenchResult, { color, width = 120 }: TableOptions): string {
  const paint = painter(color);
  const lines = [
    paint('bold', `bench ${result.command}: ${oneLine(result.scenario)}`),
    oneLine(machineLine(result)),
    '',
  ];
  for (const [name, subjects] of byCase(result)) {
    if (name !== '') lines.push(paint('bold', oneLine(name)));
    const rows = subjects.flatMap((subject) => rowsOf(subject, result).map((row) => row.map(oneLine)));
    lines.push(table(rows, columns, width), ...subjects.flatMap(stageLine), ...memoryLines(subjects, result), '');
  }
  const warnings = [aloneWarning(result), foreignLoadWarning(result.machine), ...result.notes];
  lines.push(...warnings.filter((line) => line !== undefined).map((line) => paint('yellow', `note: ${oneLine(line)}`)));
  return `${lines.join('\n').trimEnd()}\n`;
}

const columns = [
  { title: 'microseconds', shrinkTo: 24 },
  { title: 'p50' },
  { title: 'p90' },
  { title: 'p99' },
  { title: 'p99.9' },
  { title: 'CPU' },
  { title: 'per second' },
];

function rowsOf(subject: SubjectResult, result: BenchResult): string[][] {
  const cell = (figure: (of: SubjectResult) => number | undefined) => {
    const value = figure(subject);
    if (value === undefined) return '-';
    const reference = referenceOf(subject, result, figure);
    const ratio = reference === undefined ? '' : ratioText(value, figure(reference));
    return ratio === '' ? short(value) : `${short(value)} (${ratio})`;
  };
  const failures = failuresOf(subject);
  const spreads = [p50, p99, cpu, perSecond].map((figure) => spreadText(figure(subject)));
  return [
    [
      failures === 0 ? subject.name : `${subject.name}, ${failures} FAILED`,
      cell((each) => p50(each)?.median),
      cell(({ latency }) => latency.p90),
      cell((each) => p99(each)?.median),
      cell(({ latency }) => latency.p999),
      cell((each) => cpu(each)?.median),
      cell((each) => perSecond(each)?.median),
    ],
    [`  ${roundsText(subject)}`, spreads[0] ?? '', '', spreads[1] ?? '', '', spreads[2] ?? '', spreads[3] ?? ''],
  ];
}

const p50 = ({ rounds }: SubjectResult) => spreadOf(rounds, (round) => round.p50);
const p99 = ({ rounds }: SubjectResult) => spreadOf(rounds, (round) => round.p99);
const cpu = ({ rounds }: SubjectResult) => spreadOf(rounds, (round) => round.cpu);
const perSecond = ({ rounds }: SubjectResult) => spreadOf(rounds, (round) => round.perSecond);

function spreadText(spread: Spread | undefined): string {
  return spread === undefined ? '' : `${short(spread.min)}..${short(spread.max)}`;
}

function roundsText({ rounds }: SubjectResult): string {
  return rounds.length === 1 ? '1 round' : `min..max of ${rounds.length} rounds`;
}

function stageLine({ name, stages }: SubjectResult): string[] {
  const total = stages.reduce((sum, { micros }) => sum + micros, 0);
  if (total === 0) return [];
  const share = (micros: number) => `${Math.round((micros / total) * 100)} %`;
  const parts = stages.map((stage) => `${stage.name} ${short(stage.micros)} us (${share(stage.micros)})`);
  return [oneLine(`${name} spends its time on: ${parts.join(', ')}`)];
}

/** Over the rounds of one process; the page has the curve. A bench of peers has a table of its own. */
function memoryLines(subjects: readonly SubjectResult[], result: BenchResult): string[] {
  if (result.command === 'peers') return [];
  const last = ({ memory }: SubjectResult) => memory.at(-1)?.residentBytes;
  const told = subjects.flatMap((subject) => {
    const bytes = subject.memory.map(({ residentBytes }) => residentBytes);
    if (bytes.length === 0) return [];
    const [first, most, end] = [bytes[0] ?? 0, Math.max(...bytes), bytes.at(-1) ?? 0].map((each) => short(each / 1e6));
    const reference = referenceOf(subject, result, last);
    const ratio = ratioText(last(subject), reference && last(reference));
    return [`${subject.name} ${first}, at most ${most}, ${end}${ratio === '' ? '' : ` (${ratio})`}`];
  });
  return told.length === 0 ? [] : [oneLine(`resident MB, at first, at most and at last: ${told.join('; ')}`)];
}

function machineLine({ machine, startedAt }: BenchResult): string {
  const gigabytes = (machine.memoryBytes / 1024 ** 3).toFixed(1);
  return `${startedAt}, ${machine.cores} cores of ${machine.cpu}, ${gigabytes} GB, ${machine.kernel}, Node ${machine.node}`;
}

function aloneWarning(result: BenchResult): string | undefined {
  const alone = result.subjects.find((subject) => referenceOf(subject, result) === undefined);
  if (alone === undefined) return undefined;
  return `${alone.name} was measured alone: such a figure says nothing until \`portcullis bench compare\` holds it against another run`;
}
