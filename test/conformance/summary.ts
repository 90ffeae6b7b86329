import { refusalOf } from '../../policy/builtins/refused.ts';
import type { Case } from './cases.ts';
import type { EngineName } from './engines.ts';
import { known, onlyInOpasTests } from './known.ts';
import type { Verdict } from './verdict.ts';

/** One line of the table; `passed` in the order of the engines. */
export type Row = {
  readonly name: string;
  readonly cases: number;
  readonly passed: readonly number[];
  readonly refused: number;
};

export type Finding = { readonly case: Case; readonly reason: string; readonly isKnown: boolean };

export type Summary = {
  readonly engines: readonly EngineName[];
  readonly directories: readonly Row[];
  readonly totals: readonly Row[];
  /** Of our engines; the stock SDK is there to be compared with. */
  readonly failures: ReadonlyMap<EngineName, readonly Finding[]>;
  /** Between plan and wasm; undefined where one of them did not run. */
  readonly differences: readonly Finding[] | undefined;
  readonly refused: readonly { readonly cases: number; readonly reason: string }[];
};

export function summaryOf(verdicts: readonly Verdict[], engines: readonly EngineName[]): Summary {
  const byDirectory = Map.groupBy(verdicts, ({ case: { version, directory } }) => `${version}/${directory}`);
  const byVersion = Map.groupBy(verdicts, ({ case: { version } }) => `all of ${version}`);
  const rows = (groups: ReadonlyMap<string, readonly Verdict[]>) =>
    [...groups].map(([name, group]) => rowOf(name, group, engines));
  const ours = engines.filter((engine) => engine !== 'sdk');
  return {
    engines,
    directories: rows(byDirectory),
    totals: rows(byVersion),
    failures: new Map(ours.map((engine) => [engine, failuresOf(verdicts, engine)])),
    differences: ours.length === 2 ? differencesOf(verdicts) : undefined,
    refused: refusedOf(verdicts),
  };
}

function rowOf(name: string, group: readonly Verdict[], engines: readonly EngineName[]): Row {
  const passed = engines.map((engine) => group.filter(({ objections }) => objections.get(engine) === undefined).length);
  return { name, cases: group.length, passed, refused: group.filter((one) => refusal(one) !== undefined).length };
}

function failuresOf(verdicts: readonly Verdict[], engine: EngineName): readonly Finding[] {
  return verdicts.flatMap((verdict) => {
    const reason = verdict.objections.get(engine);
    if (reason === undefined || refusal(verdict) !== undefined) return [];
    const isKnown = known.get(verdict.case.note)?.engines.includes(engine) ?? false;
    return [{ case: verdict.case, reason, isKnown }];
  });
}

function differencesOf(verdicts: readonly Verdict[]): readonly Finding[] {
  return verdicts.flatMap(({ case: one, difference }) =>
    difference === undefined ? [] : [{ case: one, reason: difference, isKnown: known.has(one.note) }],
  );
}

function refusedOf(verdicts: readonly Verdict[]): Summary['refused'] {
  return [...Map.groupBy(verdicts, refusal)].flatMap(([reason, group]) =>
    reason === undefined ? [] : [{ cases: group.length, reason }],
  );
}

/** Why a case cannot be evaluated here, where that is on purpose. */
function refusal({ outcomes }: Verdict): string | undefined {
  for (const outcome of outcomes.values()) {
    if (outcome.kind === 'results') continue;
    const name = /(?:the built-in (\S+) is refused: |undefined function (test\.\S+))/.exec(outcome.message);
    const reason = refusalOf(name?.[1] ?? '') ?? onlyInOpasTests.get(name?.[2] ?? '');
    if (reason !== undefined) return reason;
  }
  return undefined;
}
