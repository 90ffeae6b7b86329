import type { EngineName } from './engines.ts';
import { known } from './known.ts';
import type { Finding, Row, Summary } from './summary.ts';

export const titles: Readonly<Record<EngineName, string>> = { sdk: 'stock SDK', wasm: 'wasm', plan: 'plan' };
const widths = { name: 44, count: 10 } as const;
const reasonLength = 160;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** `whole` shows the modules of each case that failed. */
export function printReport(summary: Summary, whole: boolean): void {
  const { engines, directories, totals, failures, differences, refused } = summary;
  row('directory', ['cases', ...engines.map((engine) => titles[engine]), 'refused']);
  for (const one of [...directories, ...totals]) row(one.name, [one.cases, ...one.passed, one.refused]);
  for (const [engine, found] of failures) list(`failures of ${titles[engine]}`, found, whole);
  if (differences !== undefined) list('differences between plan and wasm', differences, whole);
  say('\nrefused on purpose');
  for (const one of refused) say(`  ${refusedLine(one)}`);
  say('');
  for (const line of conclusions(summary)) say(line);
}

/** A line for each engine, and one for what they differ in. */
export function conclusions({ engines, totals, failures, differences }: Summary): readonly string[] {
  const sum = (of: (row: Row) => number): number => totals.reduce((total, row) => total + of(row), 0);
  const lines = engines.map((engine, index) => {
    const found = failures.get(engine);
    const failed = found === undefined ? '' : `, ${counted('failures', found)}`;
    return `${titles[engine]}: ${sum(({ passed }) => passed[index] ?? 0)} of ${sum(({ cases }) => cases)} cases pass${failed}`;
  });
  lines.push(`refused on purpose: ${sum(({ refused }) => refused)}`);
  if (differences !== undefined) lines.push(counted('differences plan/wasm', differences));
  return lines;
}

export const refusedLine = ({ cases, reason }: Summary['refused'][number]): string =>
  `${cases} ${cases === 1 ? 'case' : 'cases'}: ${reason}`;

function counted(what: string, found: readonly Finding[]): string {
  const unknown = found.filter(({ isKnown }) => !isKnown).length;
  return `${what}: ${found.length} (${unknown === 0 ? 'all known' : `${unknown} of them new`})`;
}

function row(name: string, cells: readonly (string | number)[]): void {
  say(name.padEnd(widths.name) + cells.map((cell) => String(cell).padStart(widths.count)).join(''));
}

function list(title: string, found: readonly Finding[], whole: boolean): void {
  say(`\n${title}: ${found.length}`);
  for (const finding of found) print(finding, whole);
}

function print({ case: { version, note, query, modules }, reason, isKnown }: Finding, whole: boolean): void {
  const said = isKnown ? `known: ${known.get(note)?.cause}` : `NEW: ${reason}`;
  if (!whole) return say(`  ${version}/${note}: ${said.replaceAll('\n', ' ').slice(0, reasonLength)}`);
  say(`\n--- ${version}/${note}\n${modules.join('\n')}\n? ${query}\n${said}\n${reason}`);
}
