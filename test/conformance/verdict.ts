import { equalValues } from '../../policy/value/order.ts';
import { valueText } from '../../policy/value/text.ts';
import type { Case } from './cases.ts';
import type { Compiled } from './compiled.ts';
import { canBeStrict, type EngineName, evaluate } from './engines.ts';
import { bindings, objection, type Outcome } from './judge.ts';

export type Verdict = {
  readonly case: Case;
  /** Without strict errors. */
  readonly outcomes: ReadonlyMap<EngineName, Outcome>;
  /** By engine: undefined is a pass. */
  readonly objections: ReadonlyMap<EngineName, string | undefined>;
  /** Between plan and wasm. */
  readonly difference: string | undefined;
};

export function judge(one: Case, compiled: Compiled | undefined, engines: readonly EngineName[]): Verdict {
  if (compiled === undefined) throw new Error(`${one.note} was not compiled`);
  const outcomes = new Map(engines.map((engine) => [engine, evaluate(engine, one, compiled, false)]));
  const objections = new Map(
    [...outcomes].map(([engine, outcome]) => {
      const strict = one.strictError && one.want.kind === 'error' && canBeStrict(engine);
      return [engine, objection(one, strict ? evaluate(engine, one, compiled, true) : outcome, strict)];
    }),
  );
  const [wasm, plan] = [outcomes.get('wasm'), outcomes.get('plan')];
  const difference = wasm === undefined || plan === undefined ? undefined : differenceOf(one, wasm, plan);
  return { case: one, outcomes, objections, difference };
}

/** Messages are each engine's own; everything else must be the same. */
function differenceOf(one: Case, wasm: Outcome, plan: Outcome): string | undefined {
  if (wasm.kind !== 'results' || plan.kind !== 'results') {
    return wasm.kind === plan.kind ? undefined : `wasm: ${textOf(wasm)}; plan: ${textOf(plan)}`;
  }
  const [a, b] = [bindings(one, wasm.results), bindings(one, plan.results)];
  return equalValues(a, b) ? undefined : `wasm: ${valueText(a)}; plan: ${valueText(b)}`;
}

const textOf = (outcome: Outcome): string =>
  outcome.kind === 'results' ? valueText(outcome.results) : `${outcome.kind}: ${outcome.message}`;
