import { reason } from './file-checks.ts';
import { problemAt } from './problem.ts';
import type { ConfigProblem } from './problem.ts';
import type { World } from './world.ts';

const MAX_CONFIG_BYTES = 1024 * 1024;
const START = { line: 1, column: 1 };

/** The text, or why there is none. */
export async function readConfigText(path: string, world: World): Promise<string | ConfigProblem> {
  const complain = (message: string) => problemAt(path, START, [], message);
  try {
    const { kind, sizeBytes } = await world.stat(path);
    if (kind !== 'file') return complain(kind === 'folder' ? 'is a folder, not a file' : 'is not a regular file');
    if (sizeBytes > MAX_CONFIG_BYTES)
      return complain(`has ${sizeBytes} bytes; a configuration has at most ${MAX_CONFIG_BYTES}`);
    const bytes = await world.readFile(path);
    if (bytes.byteLength > MAX_CONFIG_BYTES) return complain('grew while it was read');
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    if (cause instanceof TypeError) return complain('not YAML: the bytes are not UTF-8');
    return complain(`cannot be read: ${reason(cause as NodeJS.ErrnoException)}`);
  }
}
