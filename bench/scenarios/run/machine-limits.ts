import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { MachineLimits } from '../scenario.ts';

export function machineLimits(): Omit<MachineLimits, 'isPatient'> {
  return { descriptors: openFiles(), memoryBytes: os.totalmem(), cores: os.availableParallelism() };
}

/** What a process may have open, by the soft limit; what children inherit from us. */
function openFiles(): number {
  const [, soft = 'unlimited'] = /^Max open files\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft);
}
