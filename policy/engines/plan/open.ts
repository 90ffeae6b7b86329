import { refuseMissing } from '../../builtins/refused.ts';
import { builtinNames } from '../../builtins/registry.ts';
import type { RequiredBuiltin } from '../../bundle/bundle.ts';
import { EvaluationError } from '../../engine.ts';
import { entrypointMissing } from '../../entrypoint-missing.ts';
import { setOf } from '../../value/set.ts';
import { sortedMembers } from '../../value/order.ts';
import type { Value } from '../../value/value.ts';
import { type Generated, generatePlan } from './generate.ts';
import type { Plan } from './ir.ts';
import { defaultPlanLimits, type PlanLimits } from './limits.ts';
import { loadModule, type ModuleOptions } from './load.ts';
import { prototypesAreClean } from './member-names.ts';
import { chargeKey } from './meter.ts';
import { parsePlan } from './parse.ts';

export type PlanOptions = {
  /** The text of `plan.json`. */
  readonly plan: string;
  readonly data: Value;
  readonly limits?: PlanLimits;
  /** Whether a built-in that fails ends the evaluation instead of being undefined. */
  readonly strictBuiltinErrors?: boolean;
  /** Whether scans of data use an index where they can; true by default. */
  readonly indexed?: boolean;
  /** Where built-ins are called, for messages. */
  readonly requiredBuiltins?: readonly RequiredBuiltin[];
};

export type OpenPlan = {
  readonly entrypoints: readonly string[];
  /** The result set. Throws EvaluationError; the next evaluation is none the worse for it. */
  readonly evaluate: (entrypoint: string, input: Value | undefined, unixMs?: number) => readonly Value[];
};

/** Turns a plan into JavaScript and loads it. Throws PolicyError for what cannot work. */
export function openPlan(options: PlanOptions): OpenPlan {
  return openGenerated(options, (plan) => generatePlan(plan, { indexed: options.indexed ?? true }));
}

/** The same with other code for the plan, and somebody who watches it run. */
export function openGenerated(
  options: PlanOptions,
  generate: (plan: Plan) => Generated,
  observer?: ModuleOptions['observer'],
): OpenPlan {
  const { data, limits = defaultPlanLimits, strictBuiltinErrors = false, requiredBuiltins = [] } = options;
  const plan = parsePlan(options.plan);
  refuseMissing([...plan.builtins.keys()], (name) => builtinNames.has(name), requiredBuiltins);
  const generated = generate(plan);
  const context = { unixMs: undefined as number | undefined, charge: (_steps: number): void => undefined };
  const watched = observer === undefined ? {} : { observer };
  const module = loadModule(plan, generated, { strictBuiltinErrors, ...limits, context, ...watched });
  const indexOf = new Map(generated.entrypointNames.map((name, index) => [name, index]));

  const evaluate: OpenPlan['evaluate'] = (entrypoint, input, unixMs) => {
    const run = module.entrypoints[indexOf.get(entrypoint) ?? -1];
    if (run === undefined) {
      throw entrypointMissing(entrypoint, generated.entrypointNames);
    }
    if (!prototypesAreClean()) throw new EvaluationError('a prototype of JavaScript has been changed by somebody');
    context.unixMs = unixMs;
    module.begin(limits.maxSteps, limits.maxMemoryBytes);
    try {
      const results = run(input, data);
      if (results.length < 2) return results;
      for (const result of results) chargeKey(module, result);
      return sortedMembers(setOf(results));
    } catch (thrown) {
      throw asEvaluationError(thrown);
    } finally {
      module.forget();
    }
  };
  return Object.freeze({ entrypoints: generated.entrypointNames, evaluate });
}

/** A stack that overflows on deep input, or a text that grows beyond what JavaScript can hold, ends one decision. */
function asEvaluationError(thrown: unknown): EvaluationError {
  if (thrown instanceof EvaluationError) return thrown;
  const why = thrown instanceof Error ? thrown.message : 'something that is no error was thrown';
  return new EvaluationError(`the evaluation failed: ${why}`, { cause: thrown });
}
