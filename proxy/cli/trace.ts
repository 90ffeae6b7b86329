import { readSources } from '../../policy/compiler/sources.ts';
import { defaultPlanLimits } from '../../policy/engines/plan/limits.ts';
import { type ExplainedLine, explainPlan } from '../../policy/engines/plan/explain.ts';
import type { PolicySource } from '../config/config.ts';
import type { SnapshotData } from '../snapshot-data.ts';
import type { Asked } from './rehearsal.ts';

/** Which lines of the policy were looked at, in the order in which they were reached first. */
export type Trace = {
  readonly lines: readonly TracedLine[];
  /** Why there are no more lines, when the evaluation did not come to its end. */
  readonly ended: string | undefined;
};

/** Whichever engine decides, it is the plan that is traced. */
export type TracedLine = ExplainedLine & {
  /** The line itself; undefined where only the compiled policy is at hand. */
  readonly text: string | undefined;
};

/** A trace looks at each element of a scan that an index answers otherwise. */
const patience = 50;

export async function traceOf({ policy, config }: SnapshotData, asked: Asked | undefined): Promise<Trace> {
  if (asked === undefined) return { lines: [], ended: 'the policy was not asked' };
  const { engine, source } = config.policy;
  const { maxSteps, maxMemoryBytes = defaultPlanLimits.maxMemoryBytes, strictBuiltinErrors } = engine;
  const factor = 'result' in asked ? patience : 1;
  const limits = { maxSteps: maxSteps * factor, maxMemoryBytes };
  const { lines, outcome } = explainPlan(policy, asked.input, { limits, strictBuiltinErrors });
  const { pathOf, textOf } = await sourceText(source);
  return {
    lines: lines.map((line) => ({ ...line, file: pathOf(line.file), text: textOf(line.file, line.row) })),
    ended: 'error' in outcome ? outcome.error : undefined,
  };
}

/** Read once more: a bundle keeps none of it. */
async function sourceText(source: PolicySource) {
  const { files, paths } =
    source.kind === 'bundle'
      ? { files: [], paths: new Map<string, string>() }
      : await readSources(source.paths, 'policy');
  const linesOf = new Map(files.map(({ name, text }) => [name, text.split('\n')]));
  return {
    pathOf: (name: string) => paths.get(name) ?? name,
    textOf: (name: string, row: number) => linesOf.get(name)?.[row - 1]?.trim(),
  };
}
