import { readdirSync, readFileSync } from 'node:fs';

// What the kernel says about a process and everything that it has started. Linux only.

/** Linux counts in USER_HZ, which every platform that Node runs on has at 100. */
const ticksPerSecond = 100;

/**
 * Processor time of a whole process tree so far, user and system, of threads and children that have ended too. Two kernel clocks are
 * read: one knows who has ended but counts in hundredths of a second, one is exact but knows the living only, and stands still
 * on kernels without scheduler statistics. Neither says too much, so the larger one is right.
 */
export function cpuSeconds(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + Math.max(tickSeconds(each), scheduledSeconds(each)), 0);
}

/** Resident memory of a whole process tree; pages that its processes share count once for each. */
export function residentBytes(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + kibibytes(each, 'status', 'VmRSS') * 1024, 0);
}

/** The same with shared pages divided among all who share them: what a tree of workers really takes. */
export function proportionalBytes(pid: number): number {
  return processTree(pid).reduce((sum, each) => sum + kibibytes(each, 'smaps_rollup', 'Pss') * 1024, 0);
}

/** The process and all its descendants that live. Empty when it does not. */
export function processTree(pid: number): readonly number[] {
  if (read(pid, 'stat') === '') return [];
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const child = Number(name);
    if (!Number.isInteger(child)) continue;
    const parent = Number(statFields(child)[1] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), child]);
  }
  const tree = [pid];
  // Grows while it is walked.
  for (const each of tree) tree.push(...(children.get(each) ?? []));
  return tree;
}

function tickSeconds(pid: number): number {
  // utime, stime, and those of the children that it has waited for, are fields 14 to 17.
  const ticks = statFields(pid).slice(11, 15).map(Number);
  return ticks.reduce((sum, each) => sum + each, 0) / ticksPerSecond;
}

function scheduledSeconds(pid: number): number {
  const threads = list(pid, 'task');
  return threads.reduce((sum, thread) => sum + Number(read(pid, `task/${thread}/schedstat`).split(' ')[0]), 0) / 1e9;
}

/** From the third field on, because the second is a name in parentheses that may hold anything. */
function statFields(pid: number): readonly string[] {
  const stat = read(pid, 'stat');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function kibibytes(pid: number, file: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(read(pid, file))?.[1] ?? 0);
}

/** Empty for a process that has ended in the meantime. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

function list(pid: number, folder: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/${folder}`);
  } catch {
    return [];
  }
}
