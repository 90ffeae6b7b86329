import type { BenchResult, SubjectResult } from '../result.ts';
import { byCase, short, spreadOf } from './figures.ts';

/** `share` counts nines: 0 is 0 %, 1 is 90 %, 2 is 99 %, so that the slow tail has as much room as the rest. */
export type Axis = { readonly label: string; readonly scale: 'linear' | 'log' | 'share' };
export type Series = { readonly name: string; readonly points: readonly (readonly [x: number, y: number])[] };

export type Chart = {
  readonly title: string;
  /** What a reader who cannot see the chart has to know; every figure is in the table too. */
  readonly text: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** Present for stacked bars: their names. Then x is the place of a bar among them, and each series is one layer. */
  readonly bars?: readonly string[];
};

/** What of a result can be drawn; a result without a breakdown, several rates or memory has fewer charts. */
export function chartsOf(result: BenchResult): Chart[] {
  const latency = [...byCase(result)].map(([name, subjects]) => latencyChart(name, subjects));
  const charts = [...latency, stageChart(result), ...curves(result), memoryChart(result)];
  return charts.filter((chart) => chart !== undefined);
}

function latencyChart(name: string, subjects: readonly SubjectResult[]): Chart | undefined {
  const series = subjects
    .map((subject) => ({ name: subject.name, points: nines(subject) }))
    .filter(({ points }) => points.length > 1);
  if (series.length === 0) return undefined;
  const told = subjects.map((each) => `${each.name}: p50 ${short(each.latency.p50)}, p99 ${short(each.latency.p99)}`);
  return {
    title: `Latency${name === '' ? '' : `, ${name}`}`,
    text: `Share of operations that took at most so long. In microseconds, ${told.join('; ')}.`,
    x: { label: 'microseconds', scale: 'log' },
    y: { label: 'share of operations', scale: 'share' },
    series,
  };
}

/** The last point has all operations below it: infinitely many nines, which the curve can only come near to. */
function nines({ latency }: SubjectResult): (readonly [number, number])[] {
  return latency.distribution
    .filter(([share, micros]) => share < 1 && micros > 0)
    .map(([share, micros]) => [micros, -Math.log10(1 - share)]);
}

function stageChart({ subjects }: BenchResult): Chart | undefined {
  const broken = subjects.filter(({ stages }) => stages.length > 0);
  if (broken.length === 0) return undefined;
  const names = [...new Set(broken.flatMap(({ stages }) => stages.map(({ name }) => name)))];
  const timeIn = (subject: SubjectResult, stage: string) =>
    subject.stages.filter(({ name }) => name === stage).reduce((sum, { micros }) => sum + micros, 0);
  const told = broken.map(
    (subject) =>
      `${fullName(subject)}: ${subject.stages.map((each) => `${each.name} ${short(each.micros)}`).join(', ')}`,
  );
  return {
    title: 'Where the time goes',
    text: `Mean microseconds of one operation in each stage. ${told.join('; ')}.`,
    x: { label: '', scale: 'linear' },
    y: { label: 'microseconds', scale: 'linear' },
    series: names.map((name) => ({
      name,
      points: broken.map((subject, index) => [index, timeIn(subject, name)] as const),
    })),
    bars: broken.map(fullName),
  };
}

/** Over cases that end with a number of something: rates against p99, and sizes against p50. */
function curves({ subjects }: BenchResult): Chart[] {
  const sized = subjects.flatMap((subject) => {
    const [, of = '', count, unit] = /^(?:(.*), )?(\d+) (\S.*)$/.exec(subject.case) ?? [];
    // `1 connection` belongs to `32 connections`.
    return unit === undefined ? [] : [{ subject, of, count: Number(count), unit: unit.replace(/s?$/, 's') }];
  });
  const families = Map.groupBy(sized, ({ of, unit }) => JSON.stringify([of, unit]));
  return [...families.values()].map(curve).filter((chart) => chart !== undefined);
}

type Sized = { readonly subject: SubjectResult; readonly of: string; readonly count: number; readonly unit: string };

function curve(members: readonly Sized[]): Chart | undefined {
  const series = [...Map.groupBy(members, ({ subject }) => subject.name)]
    .map(([name, sizes]) => ({ name, points: sizes.flatMap(pointOf).sort(([a], [b]) => a - b) }))
    .filter(({ points }) => points.length > 1);
  const [{ of, unit } = { of: '', unit: '' }] = members;
  if (series.length === 0) return undefined;
  const figure = figureOver(unit);
  const over = unit === rates ? 'operations per second' : unit;
  const told = series.map(({ name, points }) => `${name}: ${points.map(([x, y]) => `${short(y)} at ${x}`).join(', ')}`);
  return {
    title: `${unit === rates ? 'Rate against p99' : `p50 by number of ${unit}`}${of === '' ? '' : `, ${of}`}`,
    text: `${figure} in microseconds by ${over}. ${told.join('; ')}.`,
    x: { label: over, scale: 'log' },
    y: { label: `${figure}, microseconds`, scale: 'log' },
    series,
  };
}

/** As the plural makes it of `per second`. */
const rates = 'per seconds';
const figureOver = (unit: string) => (unit === rates ? 'p99' : 'p50');

function pointOf({ subject, count, unit }: Sized): (readonly [x: number, y: number])[] {
  const measured = spreadOf(subject.rounds, (round) => round[figureOver(unit)])?.median ?? 0;
  return count > 0 && measured > 0 ? [[count, measured]] : [];
}

function memoryChart({ subjects }: BenchResult): Chart | undefined {
  const measured = subjects.filter(({ memory }) => memory.length > 1);
  if (measured.length === 0) return undefined;
  const megabytes = (bytes: number) => bytes / 1e6;
  const told = measured.map((subject) => {
    const resident = subject.memory.map(({ residentBytes }) => megabytes(residentBytes));
    return `${fullName(subject)}: ${short(resident[0] ?? 0)} at first, ${short(resident.at(-1) ?? 0)} at last`;
  });
  return {
    title: 'Memory over time',
    text: `Resident memory in MB. ${told.join('; ')}.`,
    x: { label: 'seconds', scale: 'linear' },
    y: { label: 'MB', scale: 'linear' },
    series: measured.map((subject) => ({
      name: fullName(subject),
      points: subject.memory.map(({ atMs, residentBytes }) => [atMs / 1000, megabytes(residentBytes)] as const),
    })),
  };
}

function fullName(subject: SubjectResult): string {
  return subject.case === '' ? subject.name : `${subject.name}, ${subject.case}`;
}
