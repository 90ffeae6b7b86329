import { defaultPlanLimits } from '../../../policy/engines/plan/limits.ts';
import { planEngine } from '../../../policy/engines/plan/plan.ts';
import type { PolicyInput } from '../../../policy/input.ts';
import { compileRules } from '../policy/policies.ts';

// Prints what one decision that allocates without end takes of memory at its highest, and leaves in the heap, above what was there
// before. Arguments: the shape, and `policy.max_memory`. Run with --expose-gc.
const shapes: Readonly<Record<string, string>> = {
  arrays: 'decision := [[i, j] | some i in data.list; some j in data.list]',
  texts: 'decision := [x | some i in data.list; some j in data.list; x := sprintf("%1000d", [i + j])]',
  sets: 'decision := {[i, j] | some i in data.list; some j in data.list}',
};

const [shape = '', cap = ''] = process.argv.slice(2);
const data = JSON.stringify({ list: Array.from({ length: 3000 }, (_, i) => i) });
const bundle = await compileRules(shapes[shape] as string, 'test/decision', data);
const engine = planEngine(bundle, { ...defaultPlanLimits, maxSteps: 1e9, maxMemoryBytes: Number(cap) });

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

const before = heapBytes();
const residentBefore = process.memoryUsage.rss();
let ended = 'decided';
try {
  engine.decide({} as PolicyInput);
} catch (thrown) {
  ended = (thrown as Error).message;
}
// Kept by the kernel: it grows in the middle of a decision, when nothing else can look.
const peak = process.resourceUsage().maxRSS * 1024 - residentBefore;
await new Promise(setImmediate);
process.stdout.write(JSON.stringify({ ended, peak, left: heapBytes() - before }));
