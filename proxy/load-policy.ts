import { refuseCryptography } from '../policy/builtins/refused.ts';
import type { PolicyBundle } from '../policy/bundle/bundle.ts';
import { loadBundle } from '../policy/bundle/load.ts';
import { buildPolicy } from '../policy/compiler/compile.ts';
import type { PolicyConfig } from './config/config.ts';

/** Reads and compiles what the configuration says decides. Throws PolicyError. */
export async function loadPolicy(config: PolicyConfig, cacheFolder?: string): Promise<PolicyBundle> {
  const { source, entrypoint, strict, cryptography } = config;
  const bundle = await (source.kind === 'bundle'
    ? loadBundle({ path: source.path, entrypoint, strict, cacheFolder })
    : buildPolicy({ regoPaths: source.paths, dataFile: source.dataFile, entrypoint, strict, cacheFolder }));
  if (cryptography === 'refused') refuseCryptography(bundle.requiredBuiltins);
  return bundle;
}
