import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib';
import { compilerDigest, runCompiler } from '../../policy/compiler/run.ts';
import type { Case } from './cases.ts';

/** What OPA's compiler makes of a case. Entrypoint `eval`; its results are the bindings of the query's variables. */
export type Compiled =
  | { readonly wasm: Uint8Array<ArrayBuffer>; readonly plan: string; readonly error?: undefined }
  | { readonly error: string };

/** Small enough for the memory that the compiler's process may have, large enough to make its start cheap. */
const batchSize = 150;
const cacheRoot = join(import.meta.dirname, '../../node_modules/.cache/portcullis-conformance');
/** The modules of a directory are nearly the same runtime again and again, each over a hundred kilobytes. */
const farMatches = { params: { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_enableLongDistanceMatching]: 1 } };

/** Compiles directories of cases, or takes them from the cache, which another artefact does not share. */
export async function compileCases(
  directories: readonly (readonly Case[])[],
  progress: (done: number, of: number) => void,
): Promise<readonly (readonly Compiled[])[]> {
  const folder = join(cacheRoot, (await compilerDigest()).slice(0, 16));
  const files = directories.map((cases) => cacheFile(folder, cases));
  const found = files.map(readDirectory);
  const missing = directories.filter((_cases, index) => found[index] === undefined);
  const made = (await compileAll(missing.flat(), progress)).values();
  return directories.map((cases, index) => {
    const kept = found[index];
    if (kept !== undefined) return kept;
    const compiled = [...made.take(cases.length)];
    writeDirectory(files[index] ?? '', compiled);
    return compiled;
  });
}

async function compileAll(cases: readonly Case[], progress: (done: number, of: number) => void): Promise<Compiled[]> {
  const compiled: Compiled[] = [];
  while (compiled.length < cases.length) {
    progress(compiled.length, cases.length);
    const batch = cases.slice(compiled.length, compiled.length + batchSize);
    const queries = batch.map(({ version, query, modules, experimentalKeywords }) => {
      return { query, modules, experimentalKeywords, regoVersion: version === 'v0' ? (0 as const) : (1 as const) };
    });
    const answer = await runCompiler({ do: 'queries', queries });
    if (answer.queries?.length !== batch.length) throw new Error('the compiler left cases out');
    for (const { wasm, plan, error } of answer.queries) {
      compiled.push(
        wasm === undefined
          ? { error: error ?? 'no module' }
          : { wasm: Uint8Array.from(Buffer.from(wasm, 'base64')), plan: JSON.stringify(plan) },
      );
    }
  }
  return compiled;
}

function cacheFile(folder: string, cases: readonly Case[]): string {
  const [first] = cases;
  return join(folder, `${first?.version}-${first?.directory}.zst`);
}

/** A line of JSON with the lengths, then everything behind one another. */
function writeDirectory(file: string, compiled: readonly Compiled[]): void {
  const parts = compiled.map((one) =>
    one.error === undefined ? { wasm: Buffer.from(one.wasm), plan: Buffer.from(one.plan) } : { error: one.error },
  );
  const head = parts.map((part) =>
    part.error === undefined ? { wasm: part.wasm.length, plan: part.plan.length } : { error: part.error },
  );
  const bodies = parts.flatMap((part) => (part.error === undefined ? [part.wasm, part.plan] : []));
  mkdirSync(join(file, '..'), { recursive: true });
  const temporary = `${file}.${process.pid}`;
  writeFileSync(
    temporary,
    zstdCompressSync(Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies]), farMatches),
  );
  renameSync(temporary, file);
}

function readDirectory(file: string): readonly Compiled[] | undefined {
  let content: Buffer;
  try {
    content = zstdDecompressSync(readFileSync(file), { params: { [constants.ZSTD_d_windowLogMax]: 27 } });
  } catch {
    return undefined;
  }
  let at = content.indexOf('\n') + 1;
  const take = (length: number): Buffer => content.subarray(at, (at += length));
  const head = JSON.parse(content.toString('utf8', 0, at)) as readonly {
    readonly wasm: number;
    readonly plan: number;
    readonly error?: string;
  }[];
  return head.map(({ wasm, plan, error }) => {
    if (error !== undefined) return { error };
    return { wasm: Uint8Array.from(take(wasm)), plan: take(plan).toString('utf8') };
  });
}
