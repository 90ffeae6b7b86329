import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../proxy/main.ts', import.meta.url));

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs one `portcullis` command as its own process. */
export function portcullis(...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [main, ...words], (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}
