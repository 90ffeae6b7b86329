import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { program, programWords } from './program.ts';

type LaunchOptions = {
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Put in front of the command, such as `['prlimit', '--nofile=64']`. */
  readonly wrap?: readonly string[] | undefined;
  /** A module that every thread loads first. */
  readonly preload?: URL | undefined;
};

/** A `portcullis` command that goes on until it is stopped, in a folder, with what it says on standard error. */
export function launchProgram(
  folder: string,
  commandWords: readonly string[],
  { env, wrap = [], preload }: LaunchOptions = {},
) {
  const before = preload === undefined ? [] : ['--import', preload.href];
  const main = programWords.length - 1;
  const loaded = [...programWords.slice(0, main), ...before, ...programWords.slice(main)];
  const [command = program, ...words] = [...wrap, program, ...loaded, ...commandWords];
  const child = spawn(command, words, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let text = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => {
    text += chunk;
  });
  const untilLog = async (enough: (log: string) => boolean) => {
    while (!enough(text)) {
      if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}: ${text}`);
      const over = new AbortController();
      const { signal } = over;
      await Promise.race([once(child.stderr ?? child, 'data', { signal }), once(child, 'close', { signal })]);
      over.abort();
    }
  };
  return { child, log: () => text, untilLog };
}
