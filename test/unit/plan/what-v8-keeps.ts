import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import type { Generated } from '../../../policy/engines/plan/generate.ts';
import { loadModule, type ModuleOptions } from '../../../policy/engines/plan/load.ts';
import type { Plan } from '../../../policy/engines/plan/ir.ts';

// Prints, as JSON, whether V8 keeps the source of other scripts: at first, after a module was loaded, after one that is no
// JavaScript, and after one that throws as it is made; last, for comparison, with the cache switched off. Run with --expose-gc.
let made = 0;

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

/** Twenty scripts that nobody holds, each with 400 KB of its own. */
function keepsScripts(): boolean {
  const before = heapBytes();
  for (let at = 0; at < 20; at++) new Script(`"${made++}${'x'.repeat(400_000)}"`).runInThisContext();
  return heapBytes() - before > 4_000_000;
}

const plan: Plan = { entrypoints: new Map(), functions: [], builtins: new Map() } as unknown as Plan;
const options: ModuleOptions = {
  strictBuiltinErrors: false,
  maxSteps: 1,
  maxMemoryBytes: 1,
  context: { unixMs: undefined, charge: () => undefined },
};

function load(source: string): string {
  const generated: Generated = { source, constants: [], builtinNames: [], entrypointNames: [], tracedLines: [] };
  try {
    loadModule(plan, generated, options);
    return 'loaded';
  } catch (thrown) {
    return (thrown as Error).name;
  }
}

const first = keepsScripts();
const steps = ['return { charge() {} };', 'this is no JavaScript', 'throw new RangeError("as it is made");'].map(
  (source) => [load(source), keepsScripts()],
);
setFlagsFromString('--no-compilation-cache');
process.stdout.write(JSON.stringify({ first, steps, switchedOff: keepsScripts() }));
