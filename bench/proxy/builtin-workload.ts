import { fork } from 'node:child_process';
import { once } from 'node:events';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bench } from '../run.ts';

/** Starts it in a process of its own and resolves to its address. */
export async function startBuiltinWorkload(t: Bench): Promise<{ readonly host: string; readonly port: number }> {
  const program = fileURLToPath(new URL(`./builtin-workload-process${extname(import.meta.url)}`, import.meta.url));
  const child = fork(program, { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [port] = (await once(child, 'message')) as [number];
  return { host: '127.0.0.1', port };
}
