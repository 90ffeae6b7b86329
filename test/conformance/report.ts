import { refusalOf } from '../../policy/builtins/refused.ts';
import type { Case } from './cases.ts';
import type { EngineName } from './engines.ts';
import type { Verdict } from './verdict.ts';

const titles: Readonly<Record<EngineName, string>> = { sdk: 'stock SDK', wasm: 'wasm', plan: 'plan' };
const widths = { name: 44, count: 10 } as const;
const reasonLength = 160;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

export function printReport(verdicts: readonly Verdict[], engines: readonly EngineName[], whole: boolean): void {
  printTable(verdicts, engines);
  for (const engine of engines.filter((name) => name !== 'sdk')) printFailures(verdicts, engine, whole);
  printDifferences(verdicts, whole);
  printRefused(verdicts);
}

function printTable(verdicts: readonly Verdict[], engines: readonly EngineName[]): void {
  row('directory', ['cases', ...engines.map((engine) => titles[engine]), 'refused']);
  const groups = Map.groupBy(verdicts, ({ case: { version, directory } }) => `${version}/${directory}`);
  for (const [name, group] of groups) row(name, counts(group, engines));
  for (const [version, group] of Map.groupBy(verdicts, ({ case: one }) => one.version)) {
    row(`total ${version}`, counts(group, engines));
  }
}

function counts(group: readonly Verdict[], engines: readonly EngineName[]): readonly number[] {
  const passed = engines.map((engine) => group.filter((verdict) => passes(verdict, engine)).length);
  return [group.length, ...passed, group.filter((verdict) => refusedOnPurpose(verdict) !== undefined).length];
}

function row(name: string, cells: readonly (string | number)[]): void {
  say(name.padEnd(widths.name) + cells.map((cell) => String(cell).padStart(widths.count)).join(''));
}

const passes = ({ objections }: Verdict, engine: EngineName): boolean => objections.get(engine) === undefined;

/** The built-in that makes a case impossible here. */
function refusedOnPurpose({ outcomes }: Verdict): string | undefined {
  for (const outcome of outcomes.values()) {
    const name = outcome.kind === 'refused' ? /the built-in (\S+) is refused: /.exec(outcome.message)?.[1] : undefined;
    if (name !== undefined) return name;
  }
  return undefined;
}

function printFailures(verdicts: readonly Verdict[], engine: EngineName, whole: boolean): void {
  const failed = verdicts.filter((verdict) => !passes(verdict, engine) && refusedOnPurpose(verdict) === undefined);
  say(`\n${titles[engine]}: ${failed.length} failures`);
  for (const { case: one, objections } of failed) print(one, objections.get(engine) ?? '', whole);
}

function printDifferences(verdicts: readonly Verdict[], whole: boolean): void {
  const different = verdicts.filter(({ difference }) => difference !== undefined);
  say(`\n${different.length} differences between plan and wasm`);
  for (const { case: one, difference } of different) print(one, difference ?? '', whole);
}

function printRefused(verdicts: readonly Verdict[]): void {
  const refused = Map.groupBy(verdicts, refusedOnPurpose);
  say('\nrefused on purpose');
  for (const [name, group] of refused) {
    if (name !== undefined) say(`  ${group.length} cases: ${refusalOf(name) ?? name}`);
  }
}

function print({ version, note, query, modules }: Case, reason: string, whole: boolean): void {
  if (!whole) return say(`  ${version}/${note}: ${reason.replaceAll('\n', ' ').slice(0, reasonLength)}`);
  say(`\n--- ${version}/${note}\n${modules.join('\n')}\n? ${query}\n${reason}`);
}
