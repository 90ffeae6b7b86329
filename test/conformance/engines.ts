import { createRequire } from 'node:module';
import type * as Sdk from '@open-policy-agent/opa-wasm';
import { builtinNames, loadBuiltins } from '../../policy/builtins/registry.ts';
import type { JsonObject, PolicyBundle } from '../../policy/bundle/bundle.ts';
import { openWasm } from '../../policy/engines/wasm.ts';
import { PolicyError } from '../../policy/errors.ts';
import { defaultPlanLimits } from '../../policy/engines/plan/limits.ts';
import { openPlan } from '../../policy/engines/plan/open.ts';
import { plainJson } from '../../policy/engines/plan/plain-json.ts';
import { projection } from '../../policy/engines/projection.ts';
import { readResult } from '../../policy/engines/result.ts';
import { jsonText, valueText } from '../../policy/value/text.ts';
import type { Value } from '../../policy/value/value.ts';
import type { Case } from './cases.ts';
import type { Compiled } from './compiled.ts';
import type { Outcome } from './judge.ts';

export type EngineName = 'sdk' | 'wasm' | 'plan';

type Runnable = Exclude<Compiled, { readonly error: string }>;

await loadBuiltins(builtinNames);

/** What every case calls now; its time zone and day of the week are of no case's interest. */
const unixMs = Date.UTC(2026, 10, 23, 9, 30);

const { loadPolicySync } = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof Sdk;

/** `strict` ends an evaluation where a built-in fails. */
type Evaluation = (one: Case, compiled: Runnable, strict: boolean) => readonly Value[];

const evaluations: Readonly<Record<EngineName, Evaluation>> = {
  sdk: evaluateSdk,
  wasm: evaluateWasm,
  plan: evaluatePlan,
};

/** WebAssembly cannot: OPA compiles most built-ins into the module, where a failure leaves no trace. */
export const canBeStrict = (engine: EngineName): boolean => engine === 'plan';

export function evaluate(engine: EngineName, one: Case, compiled: Compiled, strict: boolean): Outcome {
  if (compiled.error !== undefined) return { kind: 'error', message: compiled.error };
  try {
    return { kind: 'results', results: evaluations[engine](one, compiled, strict) };
  } catch (thrown) {
    const message = messageOf(thrown);
    const lacking = thrown instanceof PolicyError && thrown.code === 'builtin-refused';
    return lacking ? { kind: 'refused', message } : { kind: 'error', message };
  }
}

/** With the input that the policy can read and no more, as the engine does it; a case may have sets in its input. */
function evaluateWasm({ data, input }: Case, compiled: Runnable): readonly Value[] {
  const policy = openWasm(bundleOf(compiled, data));
  const project = projection(compiled.inputPaths, (part) => valueText(part as Value));
  const text = input === undefined ? undefined : project(input);
  return results(readResult(policy.evaluate(text, unixMs)) as Value);
}

/** One case looks through 3,125 combinations, which takes more than the default budget. */
const limits = { ...defaultPlanLimits, maxSteps: 4 * defaultPlanLimits.maxSteps };

function evaluatePlan({ data, input }: Case, { plan }: Runnable, strictBuiltinErrors: boolean): readonly Value[] {
  return openPlan({ plan, data, strictBuiltinErrors, limits })
    .evaluate('eval', input, unixMs)
    .map((result) => plainJson(result) as Value);
}

/** As its users call it, with what JSON.parse gives. */
function evaluateSdk({ data, input }: Case, { stockWasm }: Runnable): readonly Value[] {
  const policy = loadPolicySync(stockWasm);
  policy.setData(JSON.parse(jsonText(data)) as object);
  return results(policy.evaluate(input === undefined ? undefined : JSON.parse(jsonText(input))) as Value);
}

function bundleOf({ wasm, plan }: Runnable, data: Value): PolicyBundle {
  return { wasm, plan, data: data as JsonObject, entrypoint: 'eval', requiredBuiltins: [], revision: '' };
}

function results(value: Value): readonly Value[] {
  if (!Array.isArray(value)) throw new Error('no result set');
  return value as readonly Value[];
}

/** The SDK throws texts and plain objects. */
function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown;
  const { message } = (thrown ?? {}) as { readonly message?: unknown };
  return typeof message === 'string' ? message : 'something that is no error was thrown';
}
