import { execFile, spawnSync } from 'node:child_process';
import { program, programWords } from './program.ts';

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** Runs one `portcullis` command as its own process. */
export function portcullis(...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(program, [...programWords, ...words], (_, stdout, stderr) => {
      resolve({ code: child.exitCode ?? -1, stdout, stderr });
    });
  });
}

/** The same in a folder, for a test that has nothing else to do meanwhile. */
export function portcullisIn(folder: string, ...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(program, [...programWords, ...words], { cwd: folder, encoding: 'utf8' });
  return { status, stdout, stderr };
}
