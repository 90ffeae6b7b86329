import { refuseImpure } from '../../builtins/refused.ts';
import { deepFreeze, type PolicyBundle } from '../../bundle/bundle.ts';
import type { PolicyEngine } from '../../engine.ts';
import { entrypointMissing } from '../../entrypoint-missing.ts';
import type { PolicyInput } from '../../input.ts';
import { inputReads } from '../../input-reads.ts';
import type { Value } from '../../value/value.ts';
import { requestTime } from '../request-time.ts';
import type { PlanLimits } from './limits.ts';
import { openPlan, type PlanOptions } from './open.ts';
import { plainJson } from './plain-json.ts';

/**
 * The fast engine: OPA's plan of the policy as one JavaScript module. Loads the policy at once, so that what cannot work
 * is refused here and not during a request. Throws PolicyError.
 */
export function planEngine(
  bundle: PolicyBundle,
  limits?: PlanLimits,
  options: Pick<PlanOptions, 'strictBuiltinErrors' | 'indexed'> = {},
): PolicyEngine {
  refuseImpure(bundle.requiredBuiltins);
  const { plan, entrypoint, requiredBuiltins } = bundle;
  // What has crossed to a thread is frozen no more, and only what cannot change has an index and keys that are kept.
  const data = deepFreeze(bundle.data) as Value;
  const opened = openPlan({ plan, data, requiredBuiltins, ...options, ...(limits === undefined ? {} : { limits }) });
  if (!opened.entrypoints.includes(entrypoint)) {
    throw entrypointMissing(entrypoint, opened.entrypoints);
  }
  const decide = (input: PolicyInput): unknown => {
    return opened.evaluate(entrypoint, input as unknown as Value, requestTime(input)).map(plainJson);
  };
  return Object.freeze({ revision: bundle.revision, reads: inputReads(bundle.inputPaths), decide });
}
