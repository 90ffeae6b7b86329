import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { capabilitiesDigest } from '../builtins/capabilities.ts';
import { digestOf } from '../bundle/bundle.ts';
import { compilerDigest } from './run.ts';
import type { BuildJob, BuiltinCall, InputPaths, Place } from './job.ts';

/** What a build gives, as far as it depends on Rego alone: data is read anew each time and needs no compiler. */
export type Compiled = {
  readonly wasm: string;
  readonly plan: string;
  readonly calls: readonly BuiltinCall[];
  readonly inputPaths: InputPaths;
  /** Of each file. */
  readonly packages: readonly Place[];
  /** Where no data may be. */
  readonly rules: readonly Place[];
};

const maxEntries = 16;
const entryName = /^[0-9a-f]{64}\.json$/;

/**
 * Looks for the job's output in the cache folder, or makes and keeps it. A file that cannot be read, or is not what its
 * own digest says, counts as absent: the cache spares time and is never a reason to fail. It is trusted as far as the
 * folder is, which therefore belongs beside the keys, in the state folder.
 */
export async function cached(
  folder: string | undefined,
  job: BuildJob,
  make: () => Promise<Compiled>,
): Promise<Compiled> {
  if (folder === undefined) return await make();
  const file = join(folder, `${await keyOf(job)}.json`);
  const found = await readEntry(file);
  if (found !== undefined) return found;
  const made = await make();
  await writeEntry(folder, file, made).catch(() => undefined);
  return made;
}

async function keyOf(job: BuildJob): Promise<string> {
  const sources = job.files.flatMap(({ name, text, regoVersion = 1 }) => [name, text, `v${regoVersion}`]);
  return digestOf([
    await compilerDigest(),
    capabilitiesDigest(),
    job.entrypoint,
    job.strict === true ? 'strict' : 'lenient',
    ...sources,
  ]);
}

/** First line: digest of the rest. */
async function readEntry(file: string): Promise<Compiled | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  if (end === -1 || text.slice(0, end) !== digestOf([body])) return undefined;
  return JSON.parse(body) as Compiled;
}

/** Renamed into place, so that a reader sees all of it or nothing. */
async function writeEntry(folder: string, file: string, compiled: Compiled): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const body = JSON.stringify(compiled);
  const temporary = `${file}.${randomUUID()}`;
  try {
    await writeFile(temporary, `${digestOf([body])}\n${body}`, { mode: 0o600 });
    await rename(temporary, file);
  } finally {
    await rm(temporary, { force: true });
  }
  await prune(folder);
}

/** Every edit of a policy makes an entry of about a megabyte. */
async function prune(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => entryName.test(name));
  const entries = await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      return { file, writtenMs: (await stat(file)).mtimeMs };
    }),
  );
  const oldFirst = entries.sort((a, b) => a.writtenMs - b.writtenMs);
  await Promise.all(oldFirst.slice(0, -maxEntries).map(({ file }) => rm(file, { force: true })));
}
