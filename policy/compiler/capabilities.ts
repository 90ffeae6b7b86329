import type { Capabilities } from '../builtins/capabilities.ts';
import { refusalOf } from '../builtins/refused.ts';
import { builtinNames } from '../builtins/registry.ts';
import { PolicyError } from '../errors.ts';
import { runCompiler } from './run.ts';

/** These are OPA's compiler's own: no engine ever sees a call of them. */
const compiledAway: ReadonlySet<string> = new Set([
  'assign',
  'eq',
  'print',
  'rego.metadata.chain',
  'rego.metadata.rule',
]);

/** The first version whose evaluation takes one call. */
const wasmAbi = [{ version: 1, minor_version: 2 }];

/** What `policy/capabilities.json` has to say: of everything that OPA's compiler knows, what is offered here. */
export async function currentCapabilities(): Promise<string> {
  const { capabilities } = await runCompiler({ do: 'capabilities' });
  if (capabilities === undefined) throw new PolicyError('compiler-failed', 'the policy compiler named no capabilities');
  return offeredCapabilities(capabilities);
}

/** Every built-in that OPA's compiler knows. */
export async function knownBuiltins(): Promise<readonly string[]> {
  const { capabilities } = await runCompiler({ do: 'capabilities' });
  return (capabilities?.builtins ?? []).map(({ name }) => name);
}

/** Whether policies may call it. */
export const isOffered = (name: string): boolean =>
  (builtinNames.has(name) || compiledAway.has(name)) && refusalOf(name) === undefined;

/** Of everything that OPA has, what is offered here; one line for each built-in. */
function offeredCapabilities({ builtins, future_keywords, features }: Capabilities): string {
  const offered = builtins.filter(({ name }) => isOffered(name)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const lines = offered.map((builtin) => JSON.stringify(builtin, withoutProse));
  const rest = { future_keywords, features, wasm_abi_versions: wasmAbi, allow_net: [] };
  const members = Object.entries(rest).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{\n"builtins": [\n${lines.join(',\n')}\n],\n${members.join(',\n')}\n}\n`;
}

/** Descriptions change from release to release and mean nothing to the compiler. */
const withoutProse = (key: string, value: unknown): unknown =>
  key === 'description' || key === 'categories' || key === 'introduced' ? undefined : value;
