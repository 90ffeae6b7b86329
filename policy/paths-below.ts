import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * All that is below a folder. A link to a folder is listed and not entered, as OPA's own loader does it: Node's recursive
 * listing enters it, and two links that lead back to where they are make it endless.
 */
export async function pathsBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const below = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? [path, ...(await pathsBelow(path))] : [path];
  });
  return (await Promise.all(below)).flat();
}
