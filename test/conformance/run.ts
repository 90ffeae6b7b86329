import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import {
  type Case,
  CasesMissing,
  casesFolder,
  directoriesOf,
  opaVersion,
  type RegoVersion,
  readCases,
} from './cases.ts';
import { compileCases } from './compiled.ts';
import type { EngineName } from './engines.ts';
import { known } from './known.ts';
import { conformancePage, pageFile } from './page.ts';
import { printReport } from './report.ts';
import { type Summary, summaryOf } from './summary.ts';
import { judge } from './verdict.ts';

// npm run conformance -- [DIR...] [--engine NAME]... [--failures] [--write]: OPA's own test cases with every engine;
// exit code 1 when anything is not as test/conformance/known.ts says. --write makes docs/conformance.md of all of them.

const versions: readonly RegoVersion[] = ['v1', 'v0'];
const allEngines: readonly EngineName[] = ['sdk', 'wasm', 'plan'];

try {
  process.exitCode = await run();
} catch (thrown) {
  if (!(thrown instanceof CasesMissing)) throw thrown;
  process.stderr.write(`${thrown.message}\n`);
  process.exitCode = 3;
}

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      engine: { type: 'string', multiple: true },
      failures: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  });
  const isWhole = positionals.length === 0 && values.engine === undefined;
  if (values.write && !isWhole) {
    process.stderr.write('--write makes the page of all cases and all engines\n');
    return 2;
  }
  const engines = allEngines.filter((name) => values.engine?.includes(name) ?? true);
  const directories = chosenCases(positionals);
  if (directories.length === 0) throw new CasesMissing(`no directory of cases is named ${positionals.join(', ')}`);
  const startedMs = Date.now();
  const compiled = await compileCases(directories, (done, of) =>
    process.stderr.write(`compiling: ${done} of ${of} cases\n`),
  );
  const compiledMs = Date.now();
  const verdicts = directories.flatMap((cases, index) =>
    cases.map((one, at) => judge(one, compiled[index]?.[at], engines)),
  );
  const summary = summaryOf(verdicts, engines);
  const stale = isWhole ? knownThatPass(summary) : [];
  for (const note of stale) process.stdout.write(`known to fail, and it does not: ${note}\n`);
  printReport(summary, values.failures);
  process.stderr.write(
    `compiled or read in ${compiledMs - startedMs} ms, evaluated in ${Date.now() - compiledMs} ms\n`,
  );
  if (values.write) writeFileSync(pageFile, conformancePage(summary, opaVersion()));
  const found = [...summary.failures.values(), summary.differences ?? []].flat();
  return stale.length === 0 && found.every(({ isKnown }) => isKnown) ? 0 : 1;
}

/** By engine: a list of exceptions that outlive their causes would hide the next failure. */
function knownThatPass({ failures }: Summary): readonly string[] {
  return [...known].flatMap(([note, { engines }]) =>
    engines
      .filter((engine) => !failures.get(engine)?.some(({ case: one }) => one.note === note))
      .map((engine) => `${note} (${engine})`),
  );
}

/** All, or those whose directory is named: `time`, `v0/time`. */
function chosenCases(names: readonly string[]): readonly (readonly Case[])[] {
  const folder = casesFolder({ download: true });
  return versions.flatMap((version) =>
    directoriesOf(folder, version)
      .filter((name) => names.length === 0 || names.includes(name) || names.includes(`${version}/${name}`))
      .map((name) => readCases(folder, version, name)),
  );
}
