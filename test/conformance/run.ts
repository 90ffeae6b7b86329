import { parseArgs } from 'node:util';
import { type Case, CasesMissing, casesFolder, directoriesOf, type RegoVersion, readCases } from './cases.ts';
import { compileCases } from './compiled.ts';
import type { EngineName } from './engines.ts';
import { printReport } from './report.ts';
import { judge } from './verdict.ts';

// npm run conformance -- [DIR...] [--engine NAME]... [--failures] : OPA's own test cases with every engine.

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
    options: { engine: { type: 'string', multiple: true }, failures: { type: 'boolean', default: false } },
  });
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
  const isKnown = printReport(verdicts, engines, values.failures);
  process.stdout.write(
    `\ncompiled or read in ${compiledMs - startedMs} ms, evaluated in ${Date.now() - compiledMs} ms\n`,
  );
  return isKnown ? 0 : 1;
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
