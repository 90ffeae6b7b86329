import { readFileSync, writeFileSync } from 'node:fs';

/**
 * A core dump holds every private key in clear text. Plain Node cannot lower its limit (`ulimit -c 0`: the launcher does),
 * but Linux lets a process say which memory belongs into its dump, and none is an answer that a piped dump obeys too, for
 * which the limit means nothing (core(5)). Children inherit it. Returns what is still open, for a warning.
 */
export function keepMemoryOutOfCoreDumps(folder = '/proc/self'): string | undefined {
  try {
    writeFileSync(`${folder}/coredump_filter`, '0');
    return undefined;
  } catch (cause) {
    const limit = softCoreLimit(folder);
    if (limit === '0') return undefined;
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return `a core dump would hold the private keys: its limit is ${limit}, and coredump_filter cannot be set (${why})`;
  }
}

function softCoreLimit(folder: string): string {
  try {
    return /^Max core file size\s+(\S+)/m.exec(readFileSync(`${folder}/limits`, 'utf8'))?.[1] ?? 'unknown';
  } catch {
    return 'unknown';
  }
}
