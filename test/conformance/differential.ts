import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abacWorkload } from '../../bench/workload/abac/workload.ts';
import { builtinNames, loadBuiltins } from '../../policy/builtins/registry.ts';
import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { buildPolicy } from '../../policy/compiler/compile.ts';
import { EvaluationError, type PolicyEngine } from '../../policy/engine.ts';
import { planEngine } from '../../policy/engines/plan/plan.ts';
import { wasmEngine } from '../../policy/engines/wasm.ts';
import type { PolicyInput } from '../../policy/input.ts';
import { valueText } from '../../policy/value/text.ts';
import { isNumber, RegoDecimal, type Value } from '../../policy/value/value.ts';
import { mutate, randomFrom } from './mutate.ts';
import { seedInputs } from './seed-inputs.ts';

/** One policy and the inputs that all others are made of. */
type Subject = { readonly name: string; readonly bundle: PolicyBundle; readonly seeds: readonly unknown[] };

export type Difference = {
  readonly policy: string;
  readonly input: string;
  readonly plan: string;
  readonly wasm: string;
};

/** Asks both engines about generated inputs; every answer, and every failure, must be the same. */
export async function compareEngines(
  inputs: number,
  seed: number,
): Promise<{ readonly compared: number; readonly allowed: number; readonly differences: readonly Difference[] }> {
  await loadBuiltins(builtinNames);
  const random = randomFrom(seed);
  const subjects = (await policies()).map((subject) => ({
    ...subject,
    plan: planEngine(subject.bundle),
    wasm: wasmEngine(subject.bundle),
  }));
  const differences: Difference[] = [];
  let allowed = 0;
  for (let n = 0; n < inputs; n++) {
    const { name, seeds, plan, wasm } = subjects[n % subjects.length] as (typeof subjects)[number];
    const input = mutate(seeds[random.below(seeds.length)], random);
    const [fast, reference] = [answer(plan, input), answer(wasm, input)];
    if (fast !== reference) {
      differences.push({ policy: name, input: JSON.stringify(input), plan: fast, wasm: reference });
    }
    if (/"allow(?:ed)?":true|"result":true/.test(fast)) allowed++;
  }
  return { compared: inputs, allowed, differences };
}

/** Failures are compared as failures: their wording is each engine's own. */
function answer(engine: PolicyEngine, input: unknown): string {
  try {
    return canonical(engine.decide(input as PolicyInput));
  } catch (thrown) {
    if (thrown instanceof EvaluationError) return 'evaluation failed';
    throw thrown;
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  // OPA's WebAssembly keeps eighteen digits of a quotient.
  if (value instanceof RegoDecimal) return String(Number(value));
  // JSON.parse makes doubles of large integers, and everything else bigints.
  if (isNumber(value as Value)) return valueText(value as Value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}:${canonical(part)}`);
  return `{${members.sort().join(',')}}`;
}

async function policies(): Promise<readonly Subject[]> {
  const root = join(import.meta.dirname, '../..');
  const example = join(root, 'policy/rego/example-data.json');
  const own = await buildPolicy({
    regoPaths: [join(root, 'policy/rego')],
    dataFile: example,
    entrypoint: 'portcullis/authz/decision',
  });
  const shapes = await buildPolicy({ regoPaths: [join(import.meta.dirname, 'shapes.rego')], entrypoint: 'shapes/all' });
  return [
    { name: 'the default policy', bundle: own, seeds: seedInputs() },
    { name: 'every construct', bundle: shapes, seeds: [...seedInputs(), ...abacWorkload('indexed', 10).inputs] },
    ...(await Promise.all((['indexed', 'linear'] as const).map(workload))),
  ];
}

async function workload(lookup: 'indexed' | 'linear'): Promise<Subject> {
  const { rego, data, entrypoint, inputs } = abacWorkload(lookup, 100);
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-differential-'));
  try {
    const dataFile = join(folder, 'data.json');
    writeFileSync(dataFile, JSON.stringify(data));
    const bundle = await buildPolicy({ regoPaths: rego, dataFile, entrypoint });
    return { name: `100 rules, ${lookup}`, bundle, seeds: inputs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
