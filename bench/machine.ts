import { readdirSync, readFileSync } from 'node:fs';
import os from 'node:os';
import { version } from '../proxy/version.ts';
import type { Machine } from './result.ts';

/** What a reader of the figures has to know about the machine; the load of others is measured around the run. */
export function machineFacts(): Omit<Machine, 'foreignLoad'> {
  return {
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    kernel: `${os.type()} ${os.release()}`,
    node: process.versions.node,
    portcullis: version,
  };
}

export type ForeignLoadMeter = {
  /** Share of all cores that was used outside our process tree since the start, 0 to 1; null where the system does not tell. */
  readonly stop: () => number | null;
};

/** What was started by this process, or by what it started, counts as ours for as long as its parent waits for it. */
export function startForeignLoadMeter(proc = '/proc', root = process.pid): ForeignLoadMeter {
  const start = processorTicks(proc, root);
  return {
    stop: () => {
      const end = processorTicks(proc, root);
      if (start === undefined || end === undefined) return null;
      const total = end.total - start.total;
      if (total <= 0) return null;
      const foreign = end.busy - start.busy - (end.own - start.own);
      return Math.min(1, Math.max(0, foreign / total));
    },
  };
}

export const foreignLoadLimit = 0.1;

/** One line when others were at work during the run, else undefined. */
export function foreignLoadWarning({ foreignLoad }: Pick<Machine, 'foreignLoad'>): string | undefined {
  if (foreignLoad === null || foreignLoad <= foreignLoadLimit) return undefined;
  const percent = Math.round(foreignLoad * 100);
  return `other processes used ${percent} % of this machine during the run: compare ratios and CPU only, or repeat on a quiet machine`;
}

type Ticks = { readonly total: number; readonly busy: number; readonly own: number };

/** In USER_HZ since the start of the machine; undefined where there is no /proc. */
function processorTicks(proc: string, root: number): Ticks | undefined {
  try {
    // user nice system idle iowait irq softirq steal; guest time is in user already (proc_stat(5)).
    const [line = ''] = readFileSync(`${proc}/stat`, 'utf8').split('\n', 1);
    const fields = line.split(/\s+/).slice(1, 9).map(Number);
    const total = fields.reduce((sum, each) => sum + each, 0);
    const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
    return { total, busy: total - idle, own: treeTicks(proc, root) };
  } catch {
    return undefined;
  }
}

/** A child that was waited for has its ticks in its parent's cutime and cstime, so none get lost. */
function treeTicks(proc: string, root: number): number {
  const all = readdirSync(proc)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => processOf(proc, Number(name)));
  const tree = new Set([root]);
  // A child may stand before its parent when process ids have wrapped around.
  for (let size = 0; size !== tree.size; ) {
    size = tree.size;
    for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid);
  }
  return all.filter(({ pid }) => tree.has(pid)).reduce((sum, { ticks }) => sum + ticks, 0);
}

function processOf(proc: string, pid: number): { pid: number; parent: number; ticks: number }[] {
  try {
    const stat = readFileSync(`${proc}/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; behind it stand state, ppid and, as fields 14 to 17, the times.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
    return [{ pid, parent: Number(fields[1]), ticks }];
  } catch {
    // It ended between the listing and the reading.
    return [];
  }
}
