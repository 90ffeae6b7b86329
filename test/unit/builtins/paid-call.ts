import { type BuiltinContext, BuiltinError } from '../../../policy/builtins/builtin.ts';
import { findBuiltin } from '../../../policy/builtins/registry.ts';
import type { Value } from '../../../policy/value/value.ts';

export const requestTimeMs = Date.UTC(2026, 10, 23);

export const context = (changes: Partial<BuiltinContext> = {}): BuiltinContext => ({
  unixMs: requestTimeMs,
  charge: () => undefined,
  ...changes,
});

export const call = (name: string, ...operands: readonly Value[]): Value | undefined =>
  callWith(context(), name, ...operands);

export function callWith(given: BuiltinContext, name: string, ...operands: readonly Value[]): Value | undefined {
  const builtin = findBuiltin(name);
  if (builtin === undefined) throw new Error(`there is no ${name}`);
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
