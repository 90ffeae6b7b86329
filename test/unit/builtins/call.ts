import type { BuiltinContext } from '../../../policy/builtins/builtin.ts';
import { findBuiltin } from '../../../policy/builtins/registry.ts';
import { EvaluationError } from '../../../policy/engine.ts';
import type { Value } from '../../../policy/value/value.ts';

/** Calls a built-in that may cost as much as it likes. */
export const call = (name: string, ...operands: Value[]): Value | undefined => callWith(Infinity, name, ...operands);

/** Calls a built-in that may cost so many steps; beyond them it is stopped by EvaluationError. */
export function callWith(steps: number, name: string, ...operands: Value[]): Value | undefined {
  const builtin = findBuiltin(name);
  if (builtin === undefined) throw new Error(`there is no built-in ${name}`);
  let left = steps;
  const charge = (cost: number): void => {
    // A cost that is no number would let everything after it pass.
    if (!(cost >= 0)) throw new Error(`${name} charged ${cost}`);
    left -= cost;
    if (left < 0) throw new EvaluationError('the budget is used up');
  };
  const context: BuiltinContext = { unixMs: undefined, charge };
  return builtin(context, ...operands);
}

/** About what one decision may spend by default. */
export const decisionSteps = 500_000;
