import { builtinNames, loadBuiltins } from '../builtins/registry.ts';
import type { PolicyBundle } from '../bundle/bundle.ts';
import { EvaluationError, type Mark, type PolicyEngine } from '../engine.ts';
import type { PolicyInput } from '../input.ts';
import { PolicyError } from '../errors.ts';
import { prepareDecimals } from '../value/decimal.ts';
import { cachedEngine } from './decision-cache.ts';
import { defaultPlanLimits } from './plan/limits.ts';
import { planEngine } from './plan/plan.ts';
import type { EngineName, EngineSettings } from './settings.ts';
import { type Difference, verifiedEngine } from './verify.ts';

/** What whoever runs an engine may want to know; all of it is called during a decision. */
export type EngineEvents = {
  /** Around each stretch in which WebAssembly holds the thread. */
  readonly wasm: Mark;
  readonly compared: () => void;
  readonly differed: (difference: Difference) => void;
  readonly cache: (outcome: 'hit' | 'miss') => void;
};

/** An instance that has grown by more is replaced before the next evaluation: its memory never shrinks. */
const recycleBytes = 16 * 1024 * 1024;

export type EngineParts = {
  readonly events?: EngineEvents | undefined;
  /** The engine is warmed with these: V8 compiles a function, and the plan indexes its data, when they are first asked for. */
  readonly samples?: readonly PolicyInput[];
};

type Opened = { readonly events: EngineEvents; readonly samples: readonly PolicyInput[] };

const nothing = () => undefined;
const nobody: EngineEvents = {
  wasm: { enter: nothing, leave: nothing },
  compared: nothing,
  differed: nothing,
  cache: nothing,
};

/** Makes the engine that the settings ask for. Throws PolicyError when this bundle cannot be run by it. */
export async function openEngine(
  bundle: PolicyBundle,
  settings: EngineSettings,
  { events = nobody, samples = [] }: EngineParts = {},
): Promise<PolicyEngine> {
  prepareDecimals();
  // Only a plan tells what it calls.
  await loadBuiltins(bundle.plan === '' ? builtinNames : bundle.requiredBuiltins.map(({ name }) => name));
  const parts: Opened = { events, samples };
  const opened =
    settings.engine === 'wasm' ? await openWasm(bundle, settings, parts) : openPlan(bundle, settings, parts);
  const engine = withCache(opened, bundle, settings, parts);
  if (settings.engine !== 'verify') return engine;
  // Around the cache: an answer that was kept before anybody compared it is compared like any other.
  const { compared, differed } = events;
  return verifiedEngine(engine, await openWasm(bundle, settings, parts), { ...settings.verify, compared, differed });
}

function withCache(engine: PolicyEngine, bundle: PolicyBundle, { cache }: EngineSettings, { events }: Opened) {
  return cache === undefined ? engine : cachedEngine(engine, bundle, cache, events.cache);
}

async function openWasm(bundle: PolicyBundle, settings: EngineSettings, { events, samples }: Opened) {
  if (bundle.wasm.byteLength === 0) throw lacks(settings.engine, 'policy.wasm', 'plan');
  // Loaded when it is asked for: few serve with it, and OPA's SDK stays in the memory of every thread that has it.
  const { wasmEngine, wasmMemoryBytes } = await import('./wasm.ts');
  const { maxMemoryBytes = wasmMemoryBytes } = settings;
  const wasm = wasmEngine(bundle, {
    maxMemoryBytes,
    recycleGrowthBytes: Math.min(recycleBytes, maxMemoryBytes / 4),
    cryptography: settings.cryptography,
    mark: events.wasm,
  });
  for (const sample of samples) warmUp(wasm, sample);
  return wasm;
}

/** What comes of it is nobody's concern: a sample is no request. */
function warmUp(engine: PolicyEngine, sample: PolicyInput): void {
  try {
    engine.decide(sample);
  } catch (cause) {
    if (!(cause instanceof EvaluationError)) throw cause;
  }
}

function openPlan(bundle: PolicyBundle, settings: EngineSettings, { samples }: Opened): PolicyEngine {
  const { engine, maxSteps, maxMemoryBytes = defaultPlanLimits.maxMemoryBytes, strictBuiltinErrors } = settings;
  if (bundle.plan === '') throw lacks(engine, 'plan.json', 'wasm');
  const plan = planEngine(bundle, { maxSteps, maxMemoryBytes }, { strictBuiltinErrors });
  for (const sample of samples) warmUp(plan, sample);
  return plan;
}

function lacks(engine: EngineName, file: string, other: EngineName): PolicyError {
  return new PolicyError(
    'bundle-unsuitable',
    `the engine ${engine} needs ${file}, and the bundle has only what ${other} runs`,
  );
}
