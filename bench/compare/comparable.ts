import { ProxyError } from '../../proxy/errors.ts';
import { foreignLoadWarning } from '../machine.ts';
import { oneLine } from '../report/one-line.ts';
import type { BenchResult, Machine, SubjectResult } from '../result.ts';

export type Pair = { readonly before: SubjectResult; readonly after: SubjectResult };

/** The subjects of two results of the same measurement, side by side. Throws ProxyError where they are of different ones. */
export function pairsOf(before: BenchResult, after: BenchResult): readonly Pair[] {
  const differ = (what: string, a: string, b: string) =>
    refused(`the ${what} is ${JSON.stringify(oneLine(a))} before and ${JSON.stringify(oneLine(b))} after`);
  if (before.command !== after.command) throw differ('command', before.command, after.command);
  if (before.scenario !== after.scenario) throw differ('scenario', before.scenario, after.scenario);
  const gone = before.subjects.find((subject) => counterpart(subject, after) === undefined);
  if (gone !== undefined) throw refused(`${nameOf(gone)} was measured before and not after`);
  const added = after.subjects.find((subject) => counterpart(subject, before) === undefined);
  if (added !== undefined) throw refused(`${nameOf(added)} was measured after and not before`);
  return before.subjects.flatMap((subject) => {
    const other = counterpart(subject, after);
    return other === undefined ? [] : [{ before: subject, after: other }];
  });
}

/** What makes a difference between the two less certain, one line each. */
export function doubts(before: BenchResult, after: BenchResult): string[] {
  const facts = ['cpu', 'cores', 'memoryBytes', 'kernel', 'node'] as const satisfies readonly (keyof Machine)[];
  const other = facts.filter((fact) => before.machine[fact] !== after.machine[fact]);
  const differing = other.map((fact) => `${fact} ${before.machine[fact]} before and ${after.machine[fact]} after`);
  const load = [before, after].map(({ machine }, index) => {
    const warning = foreignLoadWarning(machine);
    return warning === undefined ? [] : [`${index === 0 ? 'before' : 'after'}: ${warning}`];
  });
  const machines =
    differing.length === 0
      ? []
      : [`the machines differ (${oneLine(differing.join('; '))}): a change may be theirs and not the subject's`];
  return [...machines, ...load.flat()];
}

export function nameOf({ name, case: of }: Pick<SubjectResult, 'name' | 'case'>): string {
  return oneLine(of === '' ? name : `${name} (${of})`);
}

function counterpart(subject: SubjectResult, { subjects }: BenchResult): SubjectResult | undefined {
  return subjects.find((each) => each.name === subject.name && each.case === subject.case);
}

function refused(why: string): ProxyError {
  return new ProxyError('bench-results-not-comparable', why);
}
