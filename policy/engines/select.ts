import { builtinNames, loadBuiltins } from '../builtins/registry.ts';
import type { PolicyBundle } from '../bundle/bundle.ts';
import { EvaluationError, type Mark, type PolicyEngine } from '../engine.ts';
import type { PolicyInput } from '../input.ts';
import { PolicyError } from '../errors.ts';
import { type CacheLimits, cachedEngine } from './decision-cache.ts';
import { type Difference, verifiedEngine } from './verify.ts';
import { defaultPlanLimits } from './plan/open.ts';
import { planEngine } from './plan/plan.ts';
import { wasmEngine, wasmMemoryBytes } from './wasm.ts';

/** `verify` decides with the plan and has the wasm decide a sample of the same requests. */
export const engineNames = ['plan', 'wasm', 'verify'] as const;
export type EngineName = (typeof engineNames)[number];

/** THE engine that decides where nobody has chosen one. */
const defaultEngine: EngineName = 'plan';

/** Plain data: it crosses to the data threads with the configuration. */
export type EngineSettings = {
  readonly engine: EngineName;
  /** A built-in that fails ends the evaluation, instead of making its call undefined. The plan engine alone can. */
  readonly strictBuiltinErrors: boolean;
  /** The budget of one evaluation by the plan engine. */
  readonly maxSteps: number;
  /** Of one evaluation by the plan engine, of an instance with its data for wasm; undefined: the default of each. */
  readonly maxMemoryBytes: number | undefined;
  /** For the wasm engine, which cannot end itself; whoever owns its thread enforces it. */
  readonly deadlineMs: number;
  readonly verify: { readonly share: number; readonly refuse: boolean };
  readonly cache: CacheLimits | undefined;
};

export const defaultSettings: EngineSettings = Object.freeze({
  engine: defaultEngine,
  strictBuiltinErrors: false,
  maxSteps: defaultPlanLimits.maxSteps,
  maxMemoryBytes: undefined,
  deadlineMs: 25,
  verify: { share: 1, refuse: false },
  cache: undefined,
});

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
  /** The wasm engine is warmed with these: V8 compiles a function when it is called first. */
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
  // Only a plan tells what it calls.
  await loadBuiltins(bundle.plan === '' ? builtinNames : bundle.requiredBuiltins.map(({ name }) => name));
  const parts: Opened = { events, samples };
  const open = settings.engine === 'wasm' ? openWasm : openPlan;
  const engine = withCache(open(bundle, settings, parts), bundle, settings, parts);
  if (settings.engine !== 'verify') return engine;
  // Around the cache: an answer that was kept before anybody compared it is compared like any other.
  const { compared, differed } = events;
  return verifiedEngine(engine, openWasm(bundle, settings, parts), { ...settings.verify, compared, differed });
}

/** Whether evaluations may have to be ended from outside. */
export const needsDeadline = ({ engine }: Pick<EngineSettings, 'engine'>): boolean => engine !== 'plan';

function withCache(engine: PolicyEngine, bundle: PolicyBundle, { cache }: EngineSettings, { events }: Opened) {
  return cache === undefined ? engine : cachedEngine(engine, bundle, cache, events.cache);
}

function openWasm(
  bundle: PolicyBundle,
  { engine, maxMemoryBytes = wasmMemoryBytes }: EngineSettings,
  { events, samples }: Opened,
) {
  if (bundle.wasm.byteLength === 0) throw lacks(engine, 'policy.wasm', 'plan');
  const wasm = wasmEngine(bundle, {
    maxMemoryBytes,
    recycleGrowthBytes: Math.min(recycleBytes, maxMemoryBytes / 4),
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

function openPlan(bundle: PolicyBundle, settings: EngineSettings): PolicyEngine {
  const { engine, maxSteps, maxMemoryBytes = defaultPlanLimits.maxMemoryBytes, strictBuiltinErrors } = settings;
  if (bundle.plan === '') throw lacks(engine, 'plan.json', 'wasm');
  return planEngine(bundle, { maxSteps, maxMemoryBytes }, { strictBuiltinErrors });
}

function lacks(engine: EngineName, file: string, other: EngineName): PolicyError {
  return new PolicyError(
    'bundle-unsuitable',
    `the engine ${engine} needs ${file}, and the bundle has only what ${other} runs`,
  );
}
