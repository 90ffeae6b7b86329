import { resolve } from 'node:path';
import type { Engine, Request } from '../../bench/policy/request.ts';
import { interruptedExitCodes, outputOptions, readOutputs, wholeNumber, wholeNumbers } from './bench-options.ts';
import { type Arguments, type Command, type Io, requiredValue, UsageError, valueOf } from './command.ts';

export const benchPolicy: Command = {
  path: ['bench', 'policy'],
  summary: 'measure what a decision of the policy costs, next to the stock SDK and OPA',
  options: [
    { name: 'config', short: 'c', value: 'FILE', help: 'the configuration file; required unless --rules is given' },
    {
      name: 'input',
      value: 'FILE',
      help: 'decide these: one JSON document, a JSON array or JSON lines, each what the policy sees as `input`, or a request with the names of the options of `explain`; default: one for each route',
    },
    { name: 'recorded', value: 'AUDIT', help: 'decide what this audit folder, or one file of it, has on record' },
    { name: 'engine', value: 'NAME', help: 'wasm, plan or both; default: both' },
    {
      name: 'rules',
      value: 'N,N...',
      help: 'decide by a synthetic policy of so many rules instead of your own, to see how it scales',
    },
    { name: 'with', value: 'opa=PATH', help: 'the opa to compare with; default: the one on the PATH' },
    { name: 'rounds', value: 'N', help: 'how often each subject has its turn; default: 7' },
    ...outputOptions,
  ],
  exitCodes: {
    0: 'it was measured',
    ...interruptedExitCodes,
  },
  run: async (args, io) => {
    const request = readRequest(args, io);
    const { runBenchPolicy } = await import('../../bench/policy/run.ts');
    return runBenchPolicy(request, io);
  },
};

function readRequest(args: Arguments, io: Io): Request {
  return {
    what: readWhat(args, io),
    engines: readEngines(valueOf(args, 'engine') ?? 'both'),
    opa: readWith(valueOf(args, 'with'), io),
    rounds: wholeNumber('rounds', valueOf(args, 'rounds') ?? '7', 1000),
    ...readOutputs(args, io),
  };
}

function readWhat(args: Arguments, io: Io): Request['what'] {
  const rules = valueOf(args, 'rules');
  const given = ['config', 'input', 'recorded'].filter((name) => valueOf(args, name) !== undefined);
  if (rules !== undefined) {
    if (given.length > 0)
      throw new UsageError(`--rules brings its own policy and inputs, so --${given[0]} has no place`);
    return { kind: 'synthetic', sizes: wholeNumbers('rules', rules, 100_000) };
  }
  const configFile = resolve(io.cwd, requiredValue(args, 'config'));
  const input = valueOf(args, 'input');
  const recorded = valueOf(args, 'recorded');
  if (input !== undefined && recorded !== undefined) throw new UsageError('--input or --recorded, not both');
  if (input !== undefined) return { kind: 'own', configFile, from: { kind: 'input', file: resolve(io.cwd, input) } };
  if (recorded === undefined) return { kind: 'own', configFile, from: { kind: 'routes' } };
  return { kind: 'own', configFile, from: { kind: 'recorded', path: resolve(io.cwd, recorded) } };
}

function readEngines(text: string): readonly Engine[] {
  if (text === 'both') return ['wasm', 'plan'];
  if (text === 'wasm' || text === 'plan') return [text];
  throw new UsageError(`--engine is wasm, plan or both, not '${text}'`);
}

/** A bare name is looked for on the PATH. */
function readWith(text: string | undefined, io: Io): string | undefined {
  if (text === undefined) return undefined;
  const [, path] = /^opa=(.+)$/.exec(text) ?? [];
  if (path === undefined) throw new UsageError(`--with is opa=PATH, not '${text}'`);
  return path.includes('/') ? resolve(io.cwd, path) : path;
}
