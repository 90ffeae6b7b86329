import { Script } from 'node:vm';
import { type Builtin, BuiltinError } from '../../builtins/builtin.ts';
import { findBuiltin } from '../../builtins/registry.ts';
import { EvaluationError } from '../../engine.ts';
import type { Value } from '../../value/value.ts';
import type { Generated } from './generate.ts';
import type { Plan } from './ir.ts';
import { runtime } from './runtime.ts';

type Maybe = Value | undefined;

/** What the generated function gives. */
export type PlanModule = {
  readonly entrypoints: readonly ((input: Maybe, data: Maybe) => readonly Value[])[];
  readonly begin: (steps: number, bytes: number) => void;
  readonly forget: () => void;
  readonly left: () => number;
  readonly charge: (steps: number) => void;
};

export type ModuleOptions = {
  readonly strictBuiltinErrors: boolean;
  readonly maxSteps: number;
  readonly maxMemoryBytes: number;
  readonly context: { unixMs: number | undefined; charge: (steps: number) => void };
};

type Make = (runtime: unknown, constants: readonly Value[]) => PlanModule;

/**
 * Loads generated source as Node loads a CommonJS module: as a script of its own whose value is a function. Neither `eval`
 * nor `new Function`, so it works under --disallow-code-generation-from-strings; and unlike an imported `data:` URL,
 * which the module map keeps for as long as the process lives, a script is collected with the policy it belongs to.
 */
export function loadModule(plan: Plan, generated: Generated, options: ModuleOptions): PlanModule {
  const script = new Script(`(function (runtime, constants) {${generated.source}\n})`, { filename: 'policy.plan.js' });
  const make = script.runInThisContext() as Make;
  const paths = plan.functions.map(({ path }) => path);
  const module = make(
    {
      ...runtime,
      spent: () => {
        throw new EvaluationError(`the policy used up its budget of ${options.maxSteps} steps (maxSteps)`);
      },
      full: () => {
        throw new EvaluationError(`the policy used up its ${options.maxMemoryBytes} bytes of memory (maxMemoryBytes)`);
      },
      makeFunctions: (functions: Parameters<typeof runtime.calleeTree>[0]) => runtime.calleeTree(functions, paths),
      makeBuiltin: builtinMaker(generated.builtinNames, options),
    },
    generated.constants,
  );
  options.context.charge = module.charge;
  return module;
}

type Meter = (amount: number) => void;

function builtinMaker(names: readonly string[], { strictBuiltinErrors, context }: ModuleOptions) {
  return (index: number, charge: Meter, allocate: Meter): ((...operands: readonly Value[]) => Maybe) => {
    const name = names[index] as string;
    const builtin = findBuiltin(name) as Builtin;
    return (...operands) => {
      charge(1);
      try {
        const result = builtin(context, ...operands);
        if (typeof result === 'string') allocate(result.length);
        return result;
      } catch (thrown) {
        if (!(thrown instanceof BuiltinError)) throw thrown;
        if (strictBuiltinErrors) throw new EvaluationError(`${name}: ${thrown.message}`, { cause: thrown });
        return undefined;
      }
    };
  };
}
