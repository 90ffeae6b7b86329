import { setFlagsFromString } from 'node:v8';
// oxlint-disable-next-line no-restricted-imports -- what is loaded is what `generate.ts` wrote, through one encoder.
import { Script } from 'node:vm';
import type { Builtin } from '../../builtins/builtin.ts';
import { findBuiltin } from '../../builtins/registry.ts';
import { EvaluationError } from '../../engine.ts';
import type { Value } from '../../value/value.ts';
import { builtinRuntime } from './builtin-calls.ts';
import { type Callee, calleeTree } from './callee.ts';
import type { Generated } from './generate.ts';
import type { Plan } from './ir.ts';
import { runtimeOf } from './runtime.ts';

/** What the generated function gives. */
export type PlanModule = {
  readonly entrypoints: readonly ((input: Value | undefined, data: Value) => readonly Value[])[];
  /** Fills the budget and forgets what held for the last input. */
  readonly begin: (steps: number, bytes: number) => void;
  /** Lets go of the values of the last evaluation. */
  readonly forget: () => void;
  readonly charge: (steps: number) => void;
  readonly stepsLeft: () => number;
};

export type ModuleOptions = {
  readonly strictBuiltinErrors: boolean;
  readonly maxSteps: number;
  readonly maxMemoryBytes: number;
  /** What a module that explains itself reports to. */
  readonly observer?: { readonly reached: (line: number) => void; readonly failedAt: (line: number) => void };
  readonly context: { unixMs: number | undefined; charge: (steps: number) => void };
};

type Make = (environment: unknown, constants: readonly unknown[], builtins: readonly Builtin[]) => PlanModule;

/**
 * V8 keeps the source of every script that it has compiled, for the sake of pages that load it again: a hundred reloads of
 * a policy whose source is 400 KB left 120 MB behind. This one is not kept.
 *
 * The flag is the process's. It is set for one synchronous compilation; what another thread compiles meanwhile is not
 * kept either, which costs that thread time when it compiles the same again, and changes nothing that it computes.
 */
function compile(source: string): Make {
  setFlagsFromString('--no-compilation-cache');
  try {
    return new Script(source, { filename: 'policy.plan.js' }).runInThisContext() as Make;
  } finally {
    setFlagsFromString('--compilation-cache');
  }
}

/**
 * Loads generated source as Node loads a CommonJS module: as a script of its own whose value is a function. Neither `eval`
 * nor `new Function`, so it works under --disallow-code-generation-from-strings; and unlike an imported `data:` URL,
 * which the module map keeps for as long as the process lives, a script is collected with the policy it belongs to.
 */
export function loadModule(plan: Plan, generated: Generated, options: ModuleOptions): PlanModule {
  const source = `(function (environment, constants, builtins) {${generated.source}\n})`;
  const make = compile(source);
  const paths = plan.functions.map(({ path }) => path);
  const environment = {
    context: options.context,
    runtimeOf,
    ...options.observer,
    ...builtinRuntime(options.strictBuiltinErrors, generated.builtinNames),
    makeFunctions: (functions: readonly Callee[]) => calleeTree(functions, paths),
    spent: (): never => {
      throw new EvaluationError(`the policy used up its budget of ${options.maxSteps} steps (policy.max_steps)`);
    },
    full: (): never => {
      throw new EvaluationError(`the policy used up its ${options.maxMemoryBytes} bytes of memory (policy.max_memory)`);
    },
  };
  const module = make(
    environment,
    generated.constants,
    generated.builtinNames.map((name) => findBuiltin(name) as Builtin),
  );
  options.context.charge = module.charge;
  return module;
}
