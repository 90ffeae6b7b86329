import { makeBundle } from '../../../policy/bundle/bundle.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

// Prints how many bytes of heap a hundred revisions of a policy leave behind. Run with --expose-gc.
const bundle = await compileRules('decision := input.x');

/** The name of a file is in the source of a module that has a conflict to report: each has 400 KB of its own. */
function load(index: number): void {
  const plan = bundle.plan.replaceAll('rules.rego', `${index}${'x'.repeat(400_000)}`);
  const results = planEngine(makeBundle({ ...bundle, plan })).decide({ x: 1 } as unknown as PolicyInput);
  if (JSON.stringify(results) !== '[{"result":1}]') throw new Error('it decides otherwise');
}

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

load(0);
const before = heapBytes();
for (let index = 1; index <= 100; index++) load(index);
await new Promise(setImmediate);
process.stdout.write(String(heapBytes() - before));
