import { type BuiltinContext, BuiltinError } from '../../../policy/builtins/builtin.ts';
import { builtinNames, findBuiltin, loadBuiltins } from '../../../policy/builtins/registry.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import type { Value } from '../../../policy/value/value.ts';

await loadBuiltins(builtinNames);

export const requestTimeMs = Date.UTC(2026, 10, 23);

/** About what one decision may spend by default. */
export const decisionSteps = 100_000;

/** A call that may cost as much as it likes, unless `changes` says otherwise. */
export const context = (changes: Partial<BuiltinContext> = {}): BuiltinContext => ({
  unixMs: requestTimeMs,
  charge: () => undefined,
  ...changes,
});

/** A call that may cost so many steps; beyond them it is stopped by EvaluationError. */
export function budget(steps: number = decisionSteps): BuiltinContext {
  let left = steps;
  const charge = (cost: number): void => {
    // A cost that is no number would let everything after it pass.
    if (!(cost >= 0)) throw new Error(`charged ${cost}`);
    left -= cost;
    if (left < 0) throw new EvaluationError('the budget is used up');
  };
  return context({ charge });
}

export const call = (name: string, ...operands: readonly Value[]): Value | undefined =>
  callWith(budget(Infinity), name, ...operands);

export function callWith(given: BuiltinContext, name: string, ...operands: readonly Value[]): Value | undefined {
  const builtin = findBuiltin(name);
  if (builtin === undefined) throw new Error(`there is no built-in ${name}`);
  return builtin(given, ...operands);
}

/** The steps that the call pays for. */
export function stepsOf(name: string, ...operands: readonly Value[]): number {
  let steps = 0;
  const charge = (more: number) => {
    steps += more;
  };
  try {
    callWith(context({ charge }), name, ...operands);
  } catch (thrown) {
    if (!(thrown instanceof BuiltinError)) throw thrown;
  }
  return steps;
}
