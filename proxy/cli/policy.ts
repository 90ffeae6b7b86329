import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { writeBundle } from '../../policy/bundle/write.ts';
import { buildPolicy, checkPolicy, formatPolicy, testPolicy } from '../../policy/compiler/compile.ts';
import { scanWarnings } from '../../policy/compiler/scan-warnings.ts';
import type { TestResult } from '../../policy/compiler/job.ts';
import { openEngine } from '../../policy/engines/select.ts';
import { defaultSettings } from '../../policy/engines/settings.ts';
import { type Diagnostic, formatDiagnostic, PolicyError } from '../../policy/errors.ts';
import { compileLinearRegex, RegexSyntaxError } from '../../policy/linear-regex.ts';
import { systemErrorText } from '../../policy/system-error.ts';
import { nearPath } from '../config/problem.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError, valueOf } from './command.ts';

const json = { name: 'json', help: 'Answer in JSON' } as const;
const data = { name: 'data', value: 'FILE', help: 'JSON file that the policy sees as data' } as const;

/** Of the default policy. */
const defaultEntrypoint = 'portcullis/authz/decision';

const build: Command = {
  path: ['policy', 'build'],
  summary: 'Compile Rego and say its revision',
  positionals: 'PATH...',
  options: [
    { name: 'entrypoint', value: 'RULE', required: true, help: 'Decision rule, such as portcullis/authz/decision' },
    data,
    {
      name: 'out',
      value: 'FOLDER',
      help: 'Write policy.wasm, plan.json, data.json, input-paths.json and .manifest there, for `policy.bundle`; FILE.tar.gz: as one archive',
    },
    json,
  ],
  exitCodes: { 0: 'the policy compiles and can be loaded', 3: 'it does not' },
  run: async (args, io) => {
    const bundle = await buildPolicy({
      regoPaths: paths(args),
      dataFile: valueOf(args, 'data'),
      entrypoint: requiredValue(args, 'entrypoint'),
    });
    // Loading it here refuses what would otherwise be refused at the next start.
    await openEngine(bundle, { ...defaultSettings, engine: 'verify' });
    const out = valueOf(args, 'out');
    const files = out === undefined ? [] : await writeBundle(resolve(io.cwd, out), bundle);
    const { revision, entrypoint } = bundle;
    if (args.switches.has('json')) io.out(`${JSON.stringify({ revision, entrypoint, files })}\n`);
    else
      io.out([`${entrypoint} ${revision}`, ...files.map((file) => `wrote ${nearPath(file, io.cwd)}`), ''].join('\n'));
    return 0;
  },
};

const test: Command = {
  path: ['policy', 'test'],
  summary: 'Run the Rego tests of a policy',
  positionals: 'PATH...',
  options: [data, { name: 'run', value: 'REGEX', help: 'Only tests whose name matches' }, json],
  exitCodes: { 0: 'every test passes', 1: 'a test fails, or there is none', 3: 'the policy does not compile' },
  run: async (args, io) => {
    const results = await testPolicy({
      regoPaths: paths(args),
      dataFile: valueOf(args, 'data'),
      run: nameFilter(valueOf(args, 'run')),
    });
    if (args.switches.has('json')) io.out(`${JSON.stringify(results)}\n`);
    else printResults(results, io);
    // No test at all is most likely a mistyped path or --run.
    return results.length > 0 && !results.some(isBad) ? 0 : 1;
  },
};

const check: Command = {
  path: ['policy', 'check'],
  summary: 'Report every problem, in strict mode, every call of a built-in that is not offered, and scans of data',
  positionals: 'PATH...',
  options: [
    { name: 'entrypoint', value: 'RULE', help: `Whose scans to warn of; ${defaultEntrypoint} when it is left out` },
    json,
  ],
  exitCodes: { 0: 'nothing to report but warnings', 1: 'there are problems' },
  run: async (args, io) => {
    const regoPaths = paths(args);
    const problems = await checkPolicy({ regoPaths });
    const named = valueOf(args, 'entrypoint');
    const warnings = problems.length === 0 ? await scans(regoPaths, named) : [];
    const found = [...problems, ...(warnings ?? [])];
    if (args.switches.has('json')) io.out(`${JSON.stringify(found)}\n`);
    else for (const line of checked(found, warnings)) io.out(`${line}\n`);
    return problems.length === 0 ? 0 : 1;
  },
};

/** In the syntax of RE2, which OPA reads it in. Throws UsageError. */
function nameFilter(regex: string | undefined): string | undefined {
  if (regex === undefined) return undefined;
  try {
    compileLinearRegex(regex);
    return regex;
  } catch (cause) {
    if (cause instanceof RegexSyntaxError) throw new UsageError(`--run: ${JSON.stringify(regex)}: ${cause.message}`);
    throw cause;
  }
}

/** Undefined where nobody has said whose scans to look at, and the policy has no rule of the usual name. */
async function scans(regoPaths: readonly string[], named: string | undefined) {
  try {
    return await scanWarnings({ regoPaths, entrypoint: named ?? defaultEntrypoint });
  } catch (cause) {
    if (named === undefined && cause instanceof PolicyError && cause.code === 'entrypoint-missing') return undefined;
    throw cause;
  }
}

function checked(found: readonly Diagnostic[], warnings: readonly Diagnostic[] | undefined): readonly string[] {
  if (found.length > 0) return found.map(formatDiagnostic);
  const unseen = '; scans of data were not looked for: name the rule that decides with --entrypoint';
  return [`no problem${warnings === undefined ? unseen : ''}`];
}

const fmt: Command = {
  path: ['policy', 'fmt'],
  summary: "Give Rego files OPA's layout, and name those that lacked it",
  positionals: 'PATH...',
  options: [{ name: 'check', help: 'Write nothing' }],
  exitCodes: { 0: 'every file has the layout now', 1: 'with --check: a file lacks it', 3: 'a file is not Rego' },
  run: async (args, io) => {
    const checking = args.switches.has('check');
    const changed = (await formatPolicy({ regoPaths: paths(args) })).filter((file) => file.changed);
    for (const { file, text } of changed) {
      if (!checking) await rewrite(file, text);
      io.out(`${file}\n`);
    }
    return checking && changed.length > 0 ? 1 : 0;
  },
};

async function rewrite(file: string, text: string): Promise<void> {
  await writeFile(file, text).catch((cause: unknown) => {
    throw new PolicyError('rego-not-written', `cannot write ${file}: ${systemErrorText(cause)}`, { cause });
  });
}

export const policyCommands: readonly Command[] = [build, test, check, fmt];

function paths({ positionals }: Arguments): readonly string[] {
  if (positionals.length === 0) throw new UsageError('name at least one Rego file or folder');
  return positionals;
}

function isBad({ outcome }: TestResult): boolean {
  return outcome === 'fail' || outcome === 'error';
}

function printResults(results: readonly TestResult[], io: Io): void {
  if (results.length === 0) {
    io.out('0 pass: no test was found. A test is a rule whose name begins with test_; look at the paths and --run.\n');
    return;
  }
  for (const result of results) {
    if (!isBad(result) && result.output === '') continue;
    io.out(`${result.outcome} ${result.file}:${result.line} ${result.package}.${result.name}\n`);
    const details = [result.error, result.output].join('\n').split('\n');
    for (const line of details.filter((text) => text !== '')) io.out(`    ${line}\n`);
  }
  const count = (outcome: TestResult['outcome']) => results.filter((result) => result.outcome === outcome).length;
  const rest = (['fail', 'error', 'skip'] as const).filter((outcome) => count(outcome) > 0);
  io.out([`${count('pass')} pass`, ...rest.map((outcome) => `${count(outcome)} ${outcome}`)].join(', '));
  io.out('\n');
}
