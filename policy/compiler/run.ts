import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PolicyError } from '../errors.ts';
import { systemErrorText } from '../system-error.ts';
import type { Answer, Job } from './job.ts';
import type { CompilerProcess, ProcessOptions } from './process.ts';

export type CompilerOptions = ProcessOptions & {
  /** One that has been started already; without it each job has a process of its own. */
  readonly standby?: Pick<CompilerProcess, 'run'> | undefined;
};

const folderPrefix = 'portcullis-policy-';
const abandonedAfterMs = 3_600_000;

/** Has one job done, bounded in time and memory. Throws PolicyError. */
export async function runCompiler(job: Job, options: CompilerOptions = {}): Promise<Answer> {
  const folder = await mkdtemp(join(tmpdir(), folderPrefix)).catch(unusable);
  try {
    await removeAbandoned(folder).catch(() => undefined);
    const files = { question: join(folder, 'job.json'), answer: join(folder, 'answer.json') };
    await writeFile(files.question, JSON.stringify(job), { mode: 0o600 }).catch(unusable);
    if (options.standby === undefined) await runOnce(files, options);
    else await options.standby.run(files);
    return JSON.parse(await readFile(files.answer, 'utf8')) as Answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function unusable(cause: unknown): never {
  throw new PolicyError('compiler-folder-unusable', `cannot write to ${tmpdir()}: ${systemErrorText(cause)}`, {
    cause,
  });
}

async function runOnce(files: Parameters<CompilerProcess['run']>[0], options: ProcessOptions): Promise<void> {
  // Loaded for what is not kept from an earlier start.
  const { startCompiler } = await import('./process.ts');
  const compiler = startCompiler(options);
  try {
    await compiler.run(files);
  } finally {
    compiler.end();
  }
}

/** A killed run leaves its folder behind; the next one removes what is ours and an hour older than its own. */
async function removeAbandoned(own: string): Promise<void> {
  const { uid, mtimeMs } = await lstat(own);
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const path = join(tmpdir(), name);
    const found = await lstat(path).catch(() => undefined);
    if (found?.uid !== uid || found.mtimeMs > mtimeMs - abandonedAfterMs) continue;
    await rm(path, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** What the cache is keyed by: another compiler gives other output. */
export async function compilerDigest(): Promise<string> {
  return createHash('sha256')
    .update(await readFile(join(import.meta.dirname, 'opa.wasm.zst.sha256')))
    .digest('hex');
}
