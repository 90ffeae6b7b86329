import { resolve } from 'node:path';
import { certsErrors } from '../../certs/errors.ts';
import { problemsOfFiles } from '../../certs/sources/files/source.ts';
import { openEngine } from '../../policy/engines/select.ts';
import { PolicyError } from '../../policy/errors.ts';
import type { Config, PolicyConfig } from '../config/config.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Locate } from '../config/load-config.ts';
import { type ConfigProblem, formatProblem, inReadingOrder, problemAt } from '../config/problem.ts';
import { thisMachine } from '../config/world.ts';
import { tryPolicy } from '../control/policy-trial.ts';
import { ProxyError } from '../errors.ts';
import { algorithmsOf } from '../fips/approved.ts';
import type { CryptographicModule } from '../fips/module.ts';
import { checkFips } from '../fips/self-check.ts';
import { verifyInstallation } from '../installation.ts';
import { loadPolicy } from '../load-policy.ts';
import { type Arguments, type Command, type Io, requiredValue } from './command.ts';
import { configSummary } from './config-summary.ts';
import { painter } from './render.ts';

export const checkCommands: readonly Command[] = [
  {
    path: ['check'],
    summary: 'say everything that is wrong with a configuration and its policy, or what it means',
    options: [
      { name: 'config', short: 'c', value: 'FILE', required: true, help: 'the configuration file' },
      { name: 'json', help: 'print one JSON document' },
    ],
    exitCodes: { 0: 'no problem was found', 1: 'the problems are listed' },
    run: check,
  },
];

async function check(args: Arguments, io: Io): Promise<number> {
  const file = resolve(io.cwd, requiredValue(args, 'config'));
  const loaded = await loadConfig(file, thisMachine(io.env));
  const config = loaded.ok ? loaded.config : undefined;
  const fips = await fipsFindings(file, config, loaded.locate);
  const policy = loaded.ok ? loaded.config.policy : loaded.policy;
  const found = [
    ...(loaded.ok ? [] : loaded.problems),
    ...fips.problems,
    ...(await installationProblems(file, config, loaded.locate)),
    ...(config === undefined ? [] : await identityProblems(config)),
    ...(policy === undefined ? [] : await policyProblems(file, policy, { config, locate: loaded.locate })),
  ];
  const problems = inReadingOrder(found, file);
  const isGood = loaded.ok && problems.length === 0;
  if (args.switches.has('json')) {
    const answer = isGood ? { ok: true, config: loaded.config, fips: fips.module } : { ok: false, file, problems };
    io.out(`${JSON.stringify(answer, mapsAsObjects, 2)}\n`);
  } else {
    io.out(isGood ? configSummary(loaded.config, io, fips.module) : problemList(problems, io));
  }
  return isGood ? 0 : 1;
}

type FipsFindings = { readonly module?: CryptographicModule; readonly problems: readonly ConfigProblem[] };

/** Whether this machine, with this Node, does what `profile: fips` promises. */
async function fipsFindings(file: string, config: Config | undefined, locate: Locate): Promise<FipsFindings> {
  if (config?.profile !== 'fips') return { problems: [] };
  try {
    return { module: await checkFips(Date.now()), problems: [] };
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    return { problems: [problemAt(file, locate(['profile']), ['profile'], `${cause.message}; ${cause.remedy}`)] };
  }
}

/** Whether the files that say this are the signed ones, as a start would ask. */
async function installationProblems(
  file: string,
  config: Config | undefined,
  locate: Locate,
): Promise<readonly ConfigProblem[]> {
  if (config?.installation === undefined) return [];
  try {
    await verifyInstallation(config.installation);
    return [];
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    const key = ['installation'];
    return [problemAt(file, locate(key), key, `${cause.message}; ${cause.remedy}`)];
  }
}

/** What is wrong inside the files of our own SVID; the local CA is looked at when it is opened. */
async function identityProblems(config: Config): Promise<readonly ConfigProblem[]> {
  const { source, spiffeId, trustDomain } = config.identity;
  if (source.kind !== 'files') return [];
  const algorithms = algorithmsOf(config);
  const found = await problemsOfFiles({ ...source, files: source, spiffeId, trustDomain, algorithms, now: Date.now });
  return found.map(({ code, file, line = 1, message }) =>
    problemAt(file, { line, column: 1 }, [], `${message}; ${certsErrors[code].remedy}`),
  );
}

type Context = { readonly config: Config | undefined; readonly locate: Locate };

/** What only compiling and running show, in the same form and list as the problems of the file. */
async function policyProblems(file: string, policy: PolicyConfig, { config, locate }: Context) {
  try {
    const bundle = await loadPolicy(policy);
    // First, in a thread that can be ended: a bundle's module may hold whoever opens it for ever. Samples are made from the
    // whole configuration.
    if (config !== undefined) await tryPolicy({ config, policy: bundle });
    // Opening refuses the built-ins that OPA knows and the engine of the request path does not.
    await openEngine(bundle, policy.engine);
    return [];
  } catch (cause) {
    if (!(cause instanceof PolicyError) || isOurFault(cause)) throw cause;
    const key = cause.code === 'entrypoint-missing' ? ['policy', 'entrypoint'] : ['policy', policy.source.kind];
    const placed = cause.diagnostics.filter((diagnostic) => diagnostic.file !== '' && diagnostic.line > 0);
    if (placed.length === 0) return [problemAt(file, locate(key), key, `${cause.message}; ${cause.remedy}`)];
    return placed.map(({ file: rego, line, column, message }) =>
      problemAt(rego, { line, column: Math.max(1, column) }, [], inOneLine(message)),
    );
  }
}

/** OPA puts what it wants and what it has below its message, and draws the place, which stands in front already. */
function inOneLine(message: string): string {
  const [what = '', ...more] = message.split('\n');
  return more.some((line) => /^\s*\^/.test(line)) ? what : [what, ...more].join('; ');
}

/** The compiler itself failed, which says nothing about the policy. */
function isOurFault({ code }: PolicyError): boolean {
  return code.startsWith('compiler-');
}

function problemList(problems: readonly ConfigProblem[], io: Io): string {
  const lines = problems.map((problem) => `${formatProblem(problem, io.cwd)}\n`);
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return `${lines.join('')}${painter(io.color)('red', count)}\n`;
}

function mapsAsObjects(_key: string, value: unknown): unknown {
  return value instanceof Map ? Object.fromEntries(value) : value;
}
