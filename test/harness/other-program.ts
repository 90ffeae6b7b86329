import { execFile } from 'node:child_process';

/** What another program prints. Rejects with what it says when it fails; `cause` is the error of its process. */
export function runProgram(words: readonly string[], input = ''): Promise<string> {
  const [command = '', ...rest] = words;
  return new Promise((resolve, reject) => {
    const child = execFile(command, rest, { timeout: 240_000, maxBuffer: 1 << 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout.trim());
      else
        reject(new Error(`${command}: ${error.code === 'ENOENT' ? 'not on this machine' : stderr}`, { cause: error }));
    });
    child.stdin?.on('error', () => undefined).write(input);
  });
}

/** Why a test of it is to be skipped: it is not on this machine. */
export function missingProgram(words: readonly string[]): Promise<string | false> {
  return runProgram(words).then(
    () => false,
    (failed: Error & { readonly cause: NodeJS.ErrnoException }) => {
      if (failed.cause.code === 'ENOENT') return failed.message;
      throw failed;
    },
  );
}
