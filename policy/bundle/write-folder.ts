import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PolicyBundle } from './bundle.ts';

/** Writes a bundle as the folder that OPA's own tools understand; https://www.openpolicyagent.org/docs/management-bundles */
export async function writeBundleFolder(folder: string, bundle: PolicyBundle): Promise<readonly string[]> {
  const manifest = {
    revision: bundle.revision,
    roots: [''],
    wasm: [{ entrypoint: bundle.entrypoint, module: '/policy.wasm' }],
    rego_version: 1,
  };
  const files: readonly (readonly [string, string | Uint8Array])[] = [
    ['.manifest', `${JSON.stringify(manifest)}\n`],
    ['data.json', `${JSON.stringify(bundle.data)}\n`],
    ['plan.json', bundle.plan],
    ['policy.wasm', bundle.wasm],
  ];
  await mkdir(folder, { recursive: true });
  await Promise.all(files.map(([name, content]) => writeFile(join(folder, name), content)));
  return files.map(([name]) => join(folder, name));
}
