import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { FigureName } from '../../bench/compare/compare.ts';
import { type Arguments, type Command, type Io, UsageError, valueOf } from './command.ts';

export const benchCompare: Command = {
  path: ['bench', 'compare'],
  summary: 'say what changed between two results beyond noise; fails on a regression',
  positionals: 'BEFORE.json AFTER.json',
  options: [
    { name: 'threshold', value: 'PERCENT', help: 'how much slower is still accepted, such as 10%; default: 5%' },
    {
      name: 'figures',
      value: 'NAME,NAME...',
      help: 'compare these of p50, p99 and CPU only; p99 needs a quiet machine; default: all',
    },
    { name: 'json', help: 'Print JSON.' },
  ],
  exitCodes: {
    0: 'no regression beyond noise and threshold',
    1: 'a regression; each is named',
    3: 'the results cannot be compared; the message says why',
  },
  run: async (args, io) => {
    const [before, after] = filesOf(args, io);
    const threshold = thresholdOf(args);
    const figures = figuresOf(args);
    await refuseOneFileTwice(before, after);
    const { readResult } = await import('../../bench/result-file.ts');
    const { compare } = await import('../../bench/compare/compare.ts');
    const { comparisonText, methodText } = await import('../../bench/compare/text.ts');
    const comparison = compare(await readResult(before), await readResult(after), threshold, figures);
    if (args.switches.has('json')) {
      io.out(`${JSON.stringify({ method: methodText(threshold), ...comparison }, undefined, 2)}\n`);
    } else io.out(comparisonText(comparison, io.color));
    return comparison.regressions.length === 0 ? 0 : 1;
  },
};

function filesOf(args: Arguments, io: Io): [string, string] {
  const [before, after, ...more] = args.positionals;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new UsageError('name two result files: the one from before, then the one from after');
  }
  return [path.resolve(io.cwd, before), path.resolve(io.cwd, after)];
}

function thresholdOf(args: Arguments): number {
  const text = valueOf(args, 'threshold') ?? '5%';
  const [, percent] = /^(\d{1,4}(?:\.\d{1,4})?)%$/.exec(text) ?? [];
  if (percent === undefined) throw new UsageError(`--threshold: '${text}' is no percentage such as 5% or 12.5%`);
  return Number(percent) / 100;
}

function figuresOf(args: Arguments): readonly FigureName[] {
  const known: readonly FigureName[] = ['p50', 'p99', 'CPU'];
  const names = valueOf(args, 'figures')?.split(',');
  const wrong = names?.find((name) => !known.some((each) => each === name));
  if (wrong !== undefined) throw new UsageError(`--figures: '${wrong}' is none of ${known.join(', ')}`);
  return known.filter((name) => names?.includes(name) ?? true);
}

/** A gate that compares a file with itself is always open. What cannot be read is reported by its reader. */
async function refuseOneFileTwice(before: string, after: string): Promise<void> {
  const [a, b] = await Promise.all([before, after].map((file) => stat(file).catch(() => undefined)));
  if (a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino) {
    throw new UsageError(`${before} and ${after} are one file: there is nothing to compare`);
  }
}
