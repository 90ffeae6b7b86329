import type { PolicyBundle } from '../policy/bundle/bundle.ts';
import { loadBundle } from '../policy/bundle/load.ts';
import { buildPolicy } from '../policy/compiler/compile.ts';
import type { PolicyConfig } from './config/config.ts';

/** Reads and compiles what the configuration says decides. Throws PolicyError. */
export function loadPolicy({ source, entrypoint, strict }: PolicyConfig, cacheFolder?: string): Promise<PolicyBundle> {
  return source.kind === 'bundle'
    ? loadBundle({ path: source.path, entrypoint, strict, cacheFolder })
    : buildPolicy({ regoPaths: source.paths, dataFile: source.dataFile, entrypoint, strict, cacheFolder });
}
