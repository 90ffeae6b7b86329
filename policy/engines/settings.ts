import type { CacheLimits } from './decision-cache.ts';
import { defaultPlanLimits } from './plan/limits.ts';

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
  /** Whether the policy may call built-ins that compute signatures, digests and the like. */
  readonly cryptography: 'allowed' | 'refused';
  readonly cache: CacheLimits | undefined;
};

export const defaultSettings: EngineSettings = Object.freeze({
  engine: defaultEngine,
  strictBuiltinErrors: false,
  maxSteps: defaultPlanLimits.maxSteps,
  maxMemoryBytes: undefined,
  deadlineMs: 25,
  verify: { share: 1, refuse: false },
  cryptography: 'allowed',
  cache: undefined,
});

/** Whether evaluations may have to be ended from outside. */
export const needsDeadline = ({ engine }: Pick<EngineSettings, 'engine'>): boolean => engine !== 'plan';
