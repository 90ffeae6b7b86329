import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync, zstdDecompressSync, constants } from 'node:zlib';
import { compilerDigest, runCompiler } from '../../policy/compiler/run.ts';
import type { CompiledQuery, InputPaths } from '../../policy/compiler/job.ts';
import type { Case } from './cases.ts';

/** What OPA's compiler makes of a case. Entrypoint `eval`; its results are the bindings of the query's variables. */
export type Compiled =
  | {
      readonly wasm: Uint8Array<ArrayBuffer>;
      /** As OPA itself compiles it. */
      readonly stockWasm: Uint8Array<ArrayBuffer>;
      readonly plan: string;
      readonly inputPaths: InputPaths;
      readonly error?: undefined;
    }
  | { readonly error: string };

/** Small enough for the memory that the compiler's process may have, large enough to make its start cheap. */
const batchSize = 100;
const batchTimeoutMs = 600_000;
/** Each takes about 300 MB. */
const maxProcesses = 4;
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

async function compileAll(
  cases: readonly Case[],
  progress: (done: number, of: number) => void,
): Promise<readonly Compiled[]> {
  const batches = Array.from({ length: Math.ceil(cases.length / batchSize) }, (_, index) =>
    cases.slice(index * batchSize, (index + 1) * batchSize),
  );
  const compiled: Compiled[][] = batches.map(() => []);
  const open = batches.entries();
  const work = async (): Promise<void> => {
    for (const [index, batch] of open) {
      progress(compiled.flat().length, cases.length);
      compiled[index] = await compileBatch(batch);
    }
  };
  await Promise.all(Array.from({ length: Math.min(maxProcesses, availableParallelism()) }, work));
  return compiled.flat();
}

async function compileBatch(batch: readonly Case[]): Promise<Compiled[]> {
  const queries = batch.map(({ version, query, modules, experimentalKeywords }) => {
    return { query, modules, experimentalKeywords, regoVersion: version === 'v0' ? (0 as const) : (1 as const) };
  });
  const answer = await runCompiler({ do: 'queries', queries }, { timeoutMs: batchTimeoutMs });
  if (answer.queries?.length !== batch.length) throw new Error('the compiler left cases out');
  return answer.queries.map(compiledOf);
}

function compiledOf({ wasm, stockWasm = wasm, plan, inputPaths, error }: CompiledQuery): Compiled {
  if (wasm === undefined || stockWasm === undefined || inputPaths === undefined) return { error: error ?? 'no module' };
  return { wasm: bytesOf(wasm), stockWasm: bytesOf(stockWasm), plan: JSON.stringify(plan), inputPaths };
}

const bytesOf = (base64: string) => Uint8Array.from(Buffer.from(base64, 'base64'));

function cacheFile(folder: string, cases: readonly Case[]): string {
  const [first] = cases;
  return join(folder, `${first?.version}-${first?.directory}.zst`);
}

type Head =
  | {
      readonly wasm: number;
      readonly stockWasm: number;
      readonly plan: number;
      readonly inputPaths: InputPaths;
      readonly error?: undefined;
    }
  | { readonly error: string };

/** A line of JSON with the lengths, then everything behind one another. */
function writeDirectory(file: string, compiled: readonly Compiled[]): void {
  const head = compiled.map((one): Head => {
    if (one.error !== undefined) return { error: one.error };
    const { wasm, stockWasm, plan, inputPaths } = one;
    return { wasm: wasm.length, stockWasm: stockWasm.length, plan: Buffer.byteLength(plan), inputPaths };
  });
  const bodies = compiled.flatMap((one) =>
    one.error === undefined ? [one.wasm, one.stockWasm, Buffer.from(one.plan)] : [],
  );
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
  const head = JSON.parse(content.toString('utf8', 0, at)) as readonly Head[];
  return head.map((one) => {
    if (one.error !== undefined) return { error: one.error };
    const [wasm, stockWasm] = [take(one.wasm), take(one.stockWasm)].map((bytes) => Uint8Array.from(bytes));
    const plan = take(one.plan).toString('utf8');
    return { wasm, stockWasm, plan, inputPaths: one.inputPaths } as Compiled;
  });
}
