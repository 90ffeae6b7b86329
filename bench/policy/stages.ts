import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { readDecision } from '../../policy/decision.ts';
import { openPlan } from '../../policy/engines/plan/open.ts';
import { plainJson } from '../../policy/engines/plan/plain-json.ts';
import { requestTime } from '../../policy/engines/request-time.ts';
import { openEngine } from '../../policy/engines/select.ts';
import type { EngineSettings } from '../../policy/engines/settings.ts';
import type { InputFacts } from '../../policy/input-facts.ts';
import { buildInput, type PolicyInput } from '../../policy/input.ts';
import type { Value } from '../../policy/value/value.ts';
import type { Stage } from '../result.ts';

/** Decides once and adds the microseconds of each of its stages to `spent`, from `first` on. */
type Staged = {
  readonly names: readonly string[];
  readonly decide: (input: PolicyInput, spent: Float64Array, first: number) => unknown;
};

/** How long stages are measured. */
const stageMillis = 200;

export type StagesOf = {
  readonly engine: 'plan' | 'wasm';
  readonly bundle: PolicyBundle;
  readonly settings: EngineSettings;
  readonly inputs: readonly PolicyInput[];
  /** Of each input; undefined where they are not what this proxy builds. */
  readonly facts: readonly InputFacts[] | undefined;
};

/**
 * Where the time of a decision goes, in a run of its own: reading the clock between the stages would count in the latency.
 * Building the input comes before the decision and reading the verdict after it, as in the proxy; the latency has neither.
 */
export async function stagesOf({ engine, bundle, settings, inputs, facts }: StagesOf): Promise<readonly Stage[]> {
  const staged = engine === 'plan' ? stagedPlan(bundle, settings) : await stagedWasm(bundle, settings);
  const before = facts === undefined ? [] : ['input building'];
  const names = [...before, ...staged.names, ...(isDecision(staged, inputs[0]) ? ['verdict'] : [])];
  const sweeps: Float64Array[] = [];
  for (const until = performance.now() + stageMillis; sweeps.length < 2 || performance.now() < until; ) {
    const spent = new Float64Array(names.length);
    inputs.forEach((input, index) => once(staged, facts?.[index], input, spent));
    sweeps.push(spent);
  }
  // The middle sweep over all inputs: the first ones are not compiled yet, and in some the machine was elsewhere.
  return names.map((name, stage) => {
    const sorted = sweeps.map((spent) => spent[stage] ?? 0).sort((a, b) => a - b);
    return { name, micros: (sorted[sorted.length >> 1] ?? 0) / inputs.length };
  });
}

/** Refusing what this proxy could not act on is no part of a decision by a policy that was not written for it. */
function isDecision({ names, decide }: Staged, input: PolicyInput | undefined): boolean {
  if (input === undefined) return false;
  return readDecision(decide(input, new Float64Array(names.length), 0)).kind !== 'undecided';
}

function once(staged: Staged, facts: InputFacts | undefined, given: PolicyInput, spent: Float64Array): void {
  const began = performance.now();
  const input = facts === undefined ? given : buildInput(facts);
  const built = performance.now();
  const result = staged.decide(input, spent, facts === undefined ? 0 : 1);
  const decided = performance.now();
  if (facts !== undefined) add(spent, 0, built - began);
  const verdict = (facts === undefined ? 0 : 1) + staged.names.length;
  if (verdict === spent.length) return;
  readDecision(result);
  add(spent, verdict, performance.now() - decided);
}

function add(spent: Float64Array, stage: number, millis: number): void {
  spent[stage] = (spent[stage] ?? 0) + millis * 1000;
}

/** The steps of `planEngine`, which serialises nothing: the policy reads the input where it lies. */
function stagedPlan(bundle: PolicyBundle, { maxSteps, maxMemoryBytes, strictBuiltinErrors }: EngineSettings): Staged {
  const { plan, entrypoint, requiredBuiltins } = bundle;
  const limits = maxMemoryBytes === undefined ? {} : { limits: { maxSteps, maxMemoryBytes } };
  const opened = openPlan({ plan, data: bundle.data as Value, requiredBuiltins, strictBuiltinErrors, ...limits });
  const decide: Staged['decide'] = (input, spent, first) => {
    const began = performance.now();
    const results = opened.evaluate(entrypoint, input as unknown as Value, requestTime(input));
    const evaluated = performance.now();
    const read = results.map(plainJson);
    add(spent, first, evaluated - began);
    add(spent, first + 1, performance.now() - evaluated);
    return read;
  };
  return { names: ['evaluation', 'reading the result'], decide };
}

/** The engine says when WebAssembly begins and ends to hold the thread; in between, OPA's module reads the input's text too. */
async function stagedWasm(bundle: PolicyBundle, settings: EngineSettings): Promise<Staged> {
  let entered = 0;
  let left = 0;
  const wasm = {
    enter: () => {
      entered = performance.now();
    },
    leave: () => {
      left = performance.now();
    },
  };
  const nothing = () => undefined;
  const events = { wasm, compared: nothing, differed: nothing, cache: nothing };
  const engine = await openEngine(bundle, { ...settings, engine: 'wasm', cache: undefined }, { events });
  const decide: Staged['decide'] = (input, spent, first) => {
    const began = performance.now();
    const result = engine.decide(input);
    const ended = performance.now();
    add(spent, first, entered - began);
    add(spent, first + 1, left - entered);
    add(spent, first + 2, ended - left);
    return result;
  };
  return { names: ['serialising', 'evaluation', 'reading the result'], decide };
}
