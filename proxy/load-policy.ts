import { refuseCryptography } from '../policy/builtins/refused.ts';
import type { PolicyBundle } from '../policy/bundle/bundle.ts';
import { loadBundle } from '../policy/bundle/load.ts';
import { type BuildRequest, buildPolicy } from '../policy/compiler/compile.ts';
import type { PolicyConfig } from './config/config.ts';

/** Where compiled policies are kept, and what compiles. */
export type PolicyBuild = Pick<BuildRequest, 'cacheFolder' | 'compiler'>;

/** Reads and compiles what the configuration says decides. Throws PolicyError. */
export async function loadPolicy(config: PolicyConfig, build: PolicyBuild = {}): Promise<PolicyBundle> {
  const { source, entrypoint, strict, engine } = config;
  const bundle = await (source.kind === 'bundle'
    ? loadBundle({ ...build, path: source.path, entrypoint, strict })
    : buildPolicy({ ...build, regoPaths: source.paths, dataFile: source.dataFile, entrypoint, strict }));
  // With the places of the calls; what a module lists beyond its plan is refused when its engine opens.
  if (engine.cryptography === 'refused') refuseCryptography(bundle.requiredBuiltins);
  return bundle;
}
