import { refusalOf } from '../../policy/builtins/refused.ts';
import type { Case } from './cases.ts';
import type { EngineName } from './engines.ts';
import { known } from './known.ts';
import type { Verdict } from './verdict.ts';

const titles: Readonly<Record<EngineName, string>> = { sdk: 'stock SDK', wasm: 'wasm', plan: 'plan' };
const widths = { name: 44, count: 10 } as const;
const reasonLength = 160;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Prints everything, and tells whether all that went wrong is known. */
export function printReport(verdicts: readonly Verdict[], engines: readonly EngineName[], whole: boolean): boolean {
  printTable(verdicts, engines);
  const lists = engines.filter((name) => name !== 'sdk').map((engine) => failuresOf(verdicts, engine));
  if (lists.length === 2) lists.push(differencesOf(verdicts));
  for (const { title, entries } of lists) {
    say(`\n${title}: ${entries.length}`);
    for (const [one, reason] of entries) print(one, reason, whole);
  }
  printRefused(verdicts);
  const unknown = lists.flatMap(({ entries }) => entries).filter(([one]) => !known.has(one.note));
  say(`\n${unknown.length === 0 ? 'everything else is as in OPA' : `${unknown.length} of these are not known`}`);
  return unknown.length === 0;
}

type List = { readonly title: string; readonly entries: readonly (readonly [one: Case, reason: string])[] };

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

function failuresOf(verdicts: readonly Verdict[], engine: EngineName): List {
  const failed = verdicts.filter((verdict) => !passes(verdict, engine) && refusedOnPurpose(verdict) === undefined);
  return {
    title: `failures of ${titles[engine]}`,
    entries: failed.map(({ case: one, objections }) => [one, objections.get(engine) ?? '']),
  };
}

function differencesOf(verdicts: readonly Verdict[]): List {
  const entries = verdicts.flatMap(({ case: one, difference }) =>
    difference === undefined ? [] : [[one, difference] as const],
  );
  return { title: 'differences between plan and wasm', entries };
}

function printRefused(verdicts: readonly Verdict[]): void {
  const refused = Map.groupBy(verdicts, refusedOnPurpose);
  say('\nrefused on purpose');
  for (const [name, group] of refused) {
    if (name !== undefined) say(`  ${group.length} cases: ${refusalOf(name) ?? name}`);
  }
}

function print({ version, note, query, modules }: Case, reason: string, whole: boolean): void {
  const cause = known.get(note);
  const said = cause === undefined ? `NEW: ${reason}` : `known: ${cause}`;
  if (!whole) return say(`  ${version}/${note}: ${said.replaceAll('\n', ' ').slice(0, reasonLength)}`);
  say(`\n--- ${version}/${note}\n${modules.join('\n')}\n? ${query}\n${said}\n${reason}`);
}
