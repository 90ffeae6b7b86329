import { createRequire } from 'node:module';
import type * as Sdk from '@open-policy-agent/opa-wasm';
import type { PolicyBundle } from '../../policy/bundle/bundle.ts';
import { findBuiltin, loadBuiltins } from '../../policy/builtins/registry.ts';
import { plainJson } from '../../policy/engines/plan/plain-json.ts';
import type { Value } from '../../policy/value/value.ts';

const sdk = createRequire(import.meta.url)('@open-policy-agent/opa-wasm') as typeof Sdk;

/** OPA's JavaScript SDK as its documentation uses it: the whole input, results in JSON. */
export async function openStockSdk(bundle: PolicyBundle): Promise<(input: unknown) => unknown> {
  const policy = await sdk.loadPolicy(bundle.wasm, {}, await customBuiltins(bundle));
  policy.setData(bundle.data);
  return (input) => policy.evaluate(input, bundle.entrypoint);
}

/** What OPA's module asks of its host and the SDK does not have, it takes from whoever embeds it. */
async function customBuiltins({
  requiredBuiltins,
}: PolicyBundle): Promise<Record<string, (...operands: Value[]) => unknown>> {
  const names = requiredBuiltins.map(({ name }) => name);
  await loadBuiltins(names);
  const context = { unixMs: undefined, charge: () => undefined };
  const found = names.map((name) => {
    const builtin = findBuiltin(name);
    return [name, (...operands: Value[]) => plainJson(builtin?.(context, ...operands) as Value)] as const;
  });
  return Object.fromEntries(found);
}
