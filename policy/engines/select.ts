import type { PolicyBundle } from '../bundle/bundle.ts';
import type { Mark, PolicyEngine } from '../engine.ts';
import { PolicyError } from '../errors.ts';
import { type CacheLimits, cachedEngine } from './decision-cache.ts';
import { type Difference, verifiedEngine } from './verify.ts';
import { wasmEngine } from './wasm.ts';

/** `verify` decides with the plan and has the wasm decide a sample of the same requests. */
export const engineNames = ['plan', 'wasm', 'verify'] as const;
export type EngineName = (typeof engineNames)[number];

/** THE engine that decides where nobody has chosen one. */
export const defaultEngine: EngineName = 'wasm';

/** Plain data: it crosses to the data threads with the configuration. */
export type EngineSettings = {
  readonly engine: EngineName;
  /** A built-in that fails ends the evaluation, instead of making its call undefined. The plan engine alone can. */
  readonly strictBuiltinErrors: boolean;
  /** The budget of one evaluation by the plan engine. */
  readonly maxSteps: number;
  readonly maxMemoryBytes: number;
  /** For the wasm engine, which cannot end itself; whoever owns its thread enforces it. */
  readonly deadlineMs: number;
  readonly verify: { readonly share: number; readonly refuse: boolean };
  readonly cache: CacheLimits | undefined;
};

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

const nothing = () => undefined;
const nobody: EngineEvents = {
  wasm: { enter: nothing, leave: nothing },
  compared: nothing,
  differed: nothing,
  cache: nothing,
};

/** Makes the engine that the settings ask for. Throws PolicyError when this bundle cannot be run by it. */
export function openEngine(
  bundle: PolicyBundle,
  settings: EngineSettings,
  events: EngineEvents = nobody,
): PolicyEngine {
  const engine = selected(bundle, settings, events);
  if (settings.cache === undefined) return engine;
  return cachedEngine(engine, bundle, settings.cache, events.cache);
}

/** Whether evaluations may have to be ended from outside. */
export const needsDeadline = ({ engine }: Pick<EngineSettings, 'engine'>): boolean => engine !== 'plan';

function selected(bundle: PolicyBundle, settings: EngineSettings, events: EngineEvents): PolicyEngine {
  switch (settings.engine) {
    case 'wasm':
      return openWasm(bundle, settings, events);
    case 'plan':
      return openPlan(bundle, settings);
    case 'verify': {
      const { compared, differed } = events;
      const reference = openWasm(bundle, settings, events);
      return verifiedEngine(openPlan(bundle, settings), reference, { ...settings.verify, compared, differed });
    }
  }
}

function openWasm(bundle: PolicyBundle, { engine, maxMemoryBytes }: EngineSettings, { wasm }: EngineEvents) {
  if (bundle.wasm.byteLength === 0) throw lacks(engine, 'policy.wasm', 'plan');
  return wasmEngine(bundle, {
    maxMemoryBytes,
    recycleGrowthBytes: Math.min(recycleBytes, maxMemoryBytes / 4),
    mark: wasm,
  });
}

function openPlan(bundle: PolicyBundle, { engine }: EngineSettings): PolicyEngine {
  if (bundle.plan === '') throw lacks(engine, 'plan.json', 'wasm');
  throw new PolicyError('engine-unavailable', 'the plan engine is not built yet');
}

function lacks(engine: EngineName, file: string, other: EngineName): PolicyError {
  return new PolicyError(
    'bundle-unsuitable',
    `the engine ${engine} needs ${file}, and the bundle has only what ${other} runs`,
  );
}
