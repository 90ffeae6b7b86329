import { existsSync } from 'node:fs';
import { type CompilerProcess, type JobFiles, type ProcessOptions, startCompiler } from './process.ts';
import { runCompiler } from './run.ts';

export type StandbyCompiler = Pick<CompilerProcess, 'run'> & {
  /** Has it compile something small: what V8 has translated of OPA's compiler for that is there for the first real job. */
  readonly prepare: () => void;
  readonly end: () => void;
};

/**
 * A compiler that stays between jobs. A job takes a process of its own a second of processor time before it has begun:
 * to start Node, to unpack and to translate 40 MB of WebAssembly. This one pays that once, and holds 160 MB for it.
 */
export function standbyCompiler(options: ProcessOptions = {}): StandbyCompiler {
  let current: CompilerProcess | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  const living = (): CompilerProcess => {
    if (current !== undefined) return current;
    const started = startCompiler(options);
    current = started;
    // Ended by a job, or from outside: the next job starts another.
    void started.ended.then(() => {
      if (current === started) current = undefined;
    });
    return started;
  };

  const ask = async (files: JobFiles) => {
    const found = current;
    try {
      await living().run(files);
    } catch (cause) {
      // A system short of memory kills who waits, and a job may come before the news. A job that has begun has made the file
      // of its answer, and is not begun twice: it may be what the memory was short for.
      if (found === undefined || existsSync(files.answer)) throw cause;
      if (current === found) current = undefined;
      await living().run(files);
    }
  };

  const standby: StandbyCompiler = {
    run: (files) => {
      const ran = turn.then(() => ask(files));
      turn = ran.catch(() => undefined);
      return ran;
    },
    prepare: () => {
      if (current === undefined) runCompiler(smallJob, { standby }).catch(() => undefined);
    },
    end: () => current?.end(),
  };
  return standby;
}

const smallJob = {
  do: 'build',
  files: [{ name: 'small.rego', text: 'package small\ndecision := input.x == data.y\n' }],
  entrypoint: 'small/decision',
} as const;
