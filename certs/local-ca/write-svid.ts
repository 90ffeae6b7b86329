import { join } from 'node:path';
import type { SvidMaterial } from '../sources/svid-source.ts';
import type { TrustBundleData } from '../trust-bundle.ts';
import { outputFolder, writeOutput } from './secret-files.ts';

/**
 * Writes `svid.pem`, `svid.key` and `bundle.pem` for tools that read files. The key goes first: a reader that sees the
 * new certificate finds the key to it.
 */
export async function writeSvid(folder: string, material: SvidMaterial, bundle: TrustBundleData): Promise<void> {
  await outputFolder(folder);
  await writeOutput(join(folder, 'svid.key'), material.keyPem);
  await writeOutput(join(folder, 'svid.pem'), material.chainPem, 0o644);
  await writeOutput(join(folder, 'bundle.pem'), bundle.flatMap(({ rootsPem }) => rootsPem).join(''), 0o644);
}
