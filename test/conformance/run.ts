import { parseArgs } from 'node:util';
import { type Case, CasesMissing, casesFolder, directoriesOf, type RegoVersion, readCases } from './cases.ts';
import { type Compiled, compileCases } from './compiled.ts';
import { type EngineName, evaluate, isStrict } from './engines.ts';
import { bindings, objection, type Outcome } from './judge.ts';
import { equalValues } from '../../policy/value/order.ts';
import { valueText } from '../../policy/value/text.ts';
import { printReport, type Verdict } from './report.ts';

// npm run conformance -- [DIR...] [--engine NAME]... [--failures] : OPA's own test cases with every engine.

const versions: readonly RegoVersion[] = ['v1', 'v0'];
const allEngines: readonly EngineName[] = ['sdk', 'wasm', 'plan'];

try {
  process.exitCode = await run();
} catch (thrown) {
  if (!(thrown instanceof CasesMissing)) throw thrown;
  console.error(thrown.message);
  process.exitCode = 3;
}

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { engine: { type: 'string', multiple: true }, failures: { type: 'boolean', default: false } },
  });
  const engines = allEngines.filter((name) => values.engine?.includes(name) ?? true);
  const directories = chosenCases(positionals);
  if (directories.length === 0) throw new CasesMissing(`no directory of cases is named ${positionals.join(', ')}`);
  const startedMs = Date.now();
  const compiled = await compileCases(directories, (done, of) => console.error(`compiling: ${done} of ${of} cases`));
  const compiledMs = Date.now();
  const verdicts = directories.flatMap((cases, index) =>
    cases.map((one, at) => judge(one, compiled[index]?.[at] as Compiled, engines)),
  );
  printReport(verdicts, engines, values.failures);
  console.log(`\ncompiled or read in ${compiledMs - startedMs} ms, evaluated in ${Date.now() - compiledMs} ms`);
  return 0;
}

/** All, or those whose directory is named: `time`, `v0/time`. */
function chosenCases(names: readonly string[]): readonly (readonly Case[])[] {
  const folder = casesFolder();
  return versions.flatMap((version) =>
    directoriesOf(folder, version)
      .filter((name) => names.length === 0 || names.includes(name) || names.includes(`${version}/${name}`))
      .map((name) => readCases(folder, version, name)),
  );
}

function judge(one: Case, compiled: Compiled, engines: readonly EngineName[]): Verdict {
  const outcomes = new Map(engines.map((engine) => [engine, evaluate(engine, one, compiled)]));
  const objections = new Map(
    [...outcomes].map(([engine, outcome]) => [engine, objection(one, outcome, isStrict(engine))]),
  );
  const [wasm, plan] = [outcomes.get('wasm'), outcomes.get('plan')];
  const difference = wasm === undefined || plan === undefined ? undefined : differenceOf(one, wasm, plan);
  return { case: one, outcomes, objections, difference };
}

/** Messages are each engine's own; everything else must be the same. */
function differenceOf(one: Case, wasm: Outcome, plan: Outcome): string | undefined {
  if (one.strictError) return undefined;
  if (wasm.kind !== 'results' || plan.kind !== 'results') {
    return wasm.kind === plan.kind ? undefined : `wasm: ${textOf(wasm)}; plan: ${textOf(plan)}`;
  }
  const [a, b] = [bindings(one, wasm.results), bindings(one, plan.results)];
  return equalValues(a, b) ? undefined : `wasm: ${valueText(a)}; plan: ${valueText(b)}`;
}

const textOf = (outcome: Outcome): string =>
  outcome.kind === 'results' ? valueText(outcome.results) : `${outcome.kind}: ${outcome.message}`;
