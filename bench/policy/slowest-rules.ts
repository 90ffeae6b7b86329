import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { loadBuiltins } from '../../policy/builtins/registry.ts';
import { EvaluationError } from '../../policy/engine.ts';
import { generatePlan } from '../../policy/engines/plan/generate.ts';
import { openGenerated } from '../../policy/engines/plan/open.ts';
import type { TracedLine } from '../../policy/engines/plan/writer.ts';
import { requestTime } from '../../policy/engines/request-time.ts';
import type { PolicyInput } from '../../policy/input.ts';
import type { Value } from '../../policy/value/value.ts';
import type { Figure } from '../result.ts';

const shown = 10;
const profileMillis = 200;
/** A traced evaluation does no more than another one; what it may do was held against the budget before. */
const limits = { maxSteps: Number.MAX_SAFE_INTEGER, maxMemoryBytes: Number.MAX_SAFE_INTEGER };

type Spent = { micros: number; count: number };

/**
 * Which rules the time of an evaluation goes to, by a module of the plan engine that reports each line of Rego it gets to: the time
 * until the next report is that line's, as in OPA's profiler. Reading the clock is most of what a fast line costs then, so
 * shares are told, and beside them how many lines of the rule are evaluated for one decision, counted as often as they are.
 */
export async function slowestRules(
  bundle: PolicyBundle,
  inputs: readonly PolicyInput[],
  pathOf: (file: string) => string,
): Promise<readonly Figure[]> {
  await loadBuiltins(bundle.requiredBuiltins.map(({ name }) => name));
  profile(bundle, inputs);
  const { lines, spent, decisions } = profile(bundle, inputs);
  const total = spent.reduce((sum, each) => sum + (each?.micros ?? 0), 0);
  const rules = Map.groupBy(
    lines.flatMap((line, index) => (spent[index] === undefined ? [] : [{ line, spent: spent[index] }])),
    ({ line }) => line.rule,
  );
  return [...rules]
    .map(([rule, of]) => ({ rule, of: of.toSorted((a, b) => b.spent.micros - a.spent.micros) }))
    .map(({ rule, of }) => ({
      rule,
      line: of[0]?.line as TracedLine,
      micros: sum(of, 'micros'),
      count: sum(of, 'count'),
    }))
    .sort((a, b) => b.micros - a.micros)
    .slice(0, shown)
    .map(({ rule, line, micros, count }) => ({
      name: `slowest rule: ${ruleName(rule)} at ${pathOf(line.file)}:${line.row}, ${perDecision(count / decisions)}`,
      value: Number(((micros / total) * 100).toFixed(1)),
      unit: '% of the evaluation',
    }));
}

function sum(of: readonly { readonly spent: Spent }[], what: keyof Spent): number {
  return of.reduce((all, { spent }) => all + spent[what], 0);
}

const perDecision = (count: number): string => `${Number(count.toPrecision(3))} lines evaluated`;

/** The planner numbers the copies that it makes of a rule for the sake of `with`. */
const ruleName = (rule: string): string => (rule === '' ? 'the entrypoint' : rule.replace(/^g\d+\./, ''));

function profile(bundle: PolicyBundle, inputs: readonly PolicyInput[]) {
  const spent: (Spent | undefined)[] = [];
  let current: Spent | undefined;
  let since = 0;
  const close = () => {
    const now = performance.now();
    if (current !== undefined) current.micros += (now - since) * 1000;
    since = now;
  };
  const reached = (line: number): void => {
    close();
    current = spent[line] ??= { micros: 0, count: 0 };
    current.count++;
  };
  let lines: readonly TracedLine[] = [];
  const { plan, entrypoint, requiredBuiltins } = bundle;
  const opened = openGenerated(
    { plan, data: bundle.data as Value, requiredBuiltins, limits },
    (parsed) => {
      const generated = generatePlan(parsed, { indexed: true, traced: true });
      lines = generated.tracedLines;
      return generated;
    },
    { reached, failedAt: () => undefined },
  );
  let decisions = 0;
  for (const until = performance.now() + profileMillis / 2; performance.now() < until; ) {
    for (const input of inputs) {
      since = performance.now();
      evaluate(() => opened.evaluate(entrypoint, input as unknown as Value, requestTime(input)));
      close();
      current = undefined;
      decisions++;
    }
  }
  return { lines, spent, decisions };
}

/** Only how long it takes is asked here. */
function evaluate(run: () => unknown): void {
  try {
    run();
  } catch (thrown) {
    if (!(thrown instanceof EvaluationError)) throw thrown;
  }
}
