import { offeredCapabilities } from '../builtins/capabilities.ts';
import { PolicyError } from '../errors.ts';
import { runCompiler } from './run.ts';

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
