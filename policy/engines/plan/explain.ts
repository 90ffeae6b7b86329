import type { PolicyBundle } from '../../bundle/bundle.ts';
import { EvaluationError } from '../../engine.ts';
import type { PolicyInput } from '../../input.ts';
import type { Value } from '../../value/value.ts';
import { requestTime } from '../request-time.ts';
import { generatePlan } from './generate.ts';
import { openGenerated, type PlanOptions } from './open.ts';
import { plainJson } from './plain-json.ts';
import type { TracedLine } from './writer.ts';

/** A line of Rego that was looked at: how often something on it was evaluated, and how often that was undefined. */
export type ExplainedLine = TracedLine & { readonly evaluated: number; readonly failed: number };

export type Explanation = {
  readonly outcome: { readonly results: readonly unknown[] } | { readonly error: string };
  /** In the order in which they were reached first; as many lines as the policy has at most. */
  readonly lines: readonly ExplainedLine[];
};

/** Decides once with a module that reports every line it gets to: the one that serves has none of it. */
export function explainPlan(
  bundle: PolicyBundle,
  input: PolicyInput,
  settings: Pick<PlanOptions, 'limits' | 'strictBuiltinErrors'> = {},
): Explanation {
  const { plan, entrypoint, requiredBuiltins } = bundle;
  const counts = new Map<number, { evaluated: number; failed: number }>();
  const countOf = (line: number) => {
    const count = counts.get(line) ?? { evaluated: 0, failed: 0 };
    counts.set(line, count);
    return count;
  };
  const observer = {
    reached: (line: number): void => void countOf(line).evaluated++,
    failedAt: (line: number): void => void countOf(line).failed++,
  };
  let traced: readonly TracedLine[] = [];
  const options = { plan, data: bundle.data as Value, requiredBuiltins, ...settings };
  const opened = openGenerated(
    options,
    (parsed) => {
      // With an index, lines would be missing for the elements that it leaves out.
      const generated = generatePlan(parsed, { indexed: false, traced: true });
      traced = generated.tracedLines;
      return generated;
    },
    observer,
  );
  const outcome = outcomeOf(() => opened.evaluate(entrypoint, input as unknown as Value, requestTime(input)));
  const lines = [...counts].map(([line, count]) => {
    const { rule, file, row } = traced[line] as TracedLine;
    // The planner numbers the copies that it makes of a rule for the sake of `with`.
    return { rule: rule.replace(/^g\d+\./, ''), file, row, ...count };
  });
  return { outcome, lines };
}

function outcomeOf(evaluate: () => readonly Value[]): Explanation['outcome'] {
  try {
    return { results: evaluate().map(plainJson) };
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return { error: thrown.message };
    throw thrown;
  }
}
